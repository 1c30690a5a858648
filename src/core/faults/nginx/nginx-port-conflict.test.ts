import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import { detections, nowMs, processOf, unitOf } from '../backend/testing.ts';
import conflict from './nginx-port-conflict.ts';
import { bindGroup, instanceOf, listenerOf, stoppedInstance } from './testing.ts';

const fault = conflict as unknown as Fault;
const said = (text: string): { timeMs: number; identifier: string; text: string } => ({ timeMs: nowMs - 5000, identifier: 'nginx', text });
const failed = unitOf({
  name: 'nginx.service',
  activeState: 'failed',
  result: 'exit-code',
  journal: [
    { timeMs: nowMs - 6000, identifier: 'systemd', text: 'Starting A high performance web server' },
    said('nginx: [emerg] bind() to [::]:80 failed (98: Address already in use)'),
  ],
});
const apache = processOf(700, { comm: 'apache2', argv: ['/usr/sbin/apache2'], unit: 'apache2.service', ppid: 1 });
const facts = { 'nginx-instances': [stoppedInstance()], 'systemd-units': [failed], listeners: [listenerOf(80, [700], '*')], processes: [apache] };

describe('nginx-port-conflict fires', () => {
  it('confirmed where the unit failed and another process has the port', () => {
    expect(detections(fault, facts)).toMatchObject([
      {
        confidence: 'confirmed',
        status: 'active',
        messageId: 'taken',
        data: { holder: 'apache2 (pid 700, apache2.service)' },
        symptoms: ['client-refused'],
        fixData: { port: 80, holderUnit: 'apache2.service' },
      },
    ]);
  });

  it('as likely where nobody has the port any more', () => {
    expect(detections(fault, { ...facts, listeners: [] })).toMatchObject([{ confidence: 'likely', messageId: 'was-taken' }]);
  });

  it('latent where an nginx outside the unit still answers', () => {
    const old = {
      ...facts,
      'nginx-instances': [instanceOf({ unit: 'session-4.scope' })],
      listeners: [listenerOf(80, [8], '::')],
      processes: [processOf(8, { comm: 'nginx', ppid: 1 })],
    };
    expect(detections(fault, old)).toMatchObject([{ status: 'latent', messageId: 'old-nginx', symptoms: [] }]);
  });

  it('latent where a reload was refused for a port of another program', () => {
    const reload = { ...facts, 'nginx-instances': [instanceOf()], 'systemd-units': [], 'nginx-error-log': { groups: [bindGroup('0.0.0.0:80', 1000)] } };
    expect(detections(fault, reload)).toMatchObject([{ confidence: 'confirmed', status: 'latent', messageId: 'reload' }]);
  });

  it('from the error log where there is no systemd', () => {
    const bare = {
      'nginx-instances': [stoppedInstance()],
      listeners: [listenerOf(80, [700])],
      processes: [apache],
      'nginx-error-log': { groups: [bindGroup('0.0.0.0:80', 1000)] },
    };
    expect(detections(fault, bare)).toMatchObject([{ status: 'active', messageId: 'taken' }]);
  });
});

describe('nginx-port-conflict is silent', () => {
  it('where a second start by hand failed beside the nginx that runs', () => {
    const twice = {
      'nginx-instances': [instanceOf()],
      listeners: [listenerOf(80, [8, 9])],
      processes: [],
      'nginx-error-log': { groups: [bindGroup('0.0.0.0:80', 1000)] },
    };
    expect(detections(fault, twice)).toEqual([]);
  });

  it('where the unit failed for another reason, or its last start did', () => {
    const journal = [...failed.journal, { timeMs: nowMs - 900, identifier: 'systemd', text: 'Starting again' }, said('nginx: [emerg] unknown directive "x"')];
    expect(detections(fault, { ...facts, 'systemd-units': [{ ...failed, journal }] })).toEqual([]);
  });

  it('where the port is of another address family', () => {
    const four = { ...facts, listeners: [listenerOf(80, [700], '0.0.0.0')] };
    expect(detections(fault, four)).toMatchObject([{ messageId: 'was-taken' }]);
  });

  it('long after nginx was given up for another server', () => {
    const off = { ...failed, unitFileState: 'disabled', journal: failed.journal.map(line => ({ ...line, timeMs: nowMs - 90_000_000 })) };
    expect(detections(fault, { ...facts, 'systemd-units': [off] })).toEqual([]);
  });
});
