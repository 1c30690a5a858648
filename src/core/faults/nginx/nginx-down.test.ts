import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import { detections, nowMs, unitOf } from '../backend/testing.ts';
import down from './nginx-down.ts';
import { bindGroup, instanceOf, listenerOf, ruledOutBy, stoppedInstance, serverOf, topologyOf } from './testing.ts';

const fault = down as unknown as Fault;
const stopped = unitOf({ name: 'nginx.service', activeState: 'inactive', subState: 'dead', inactiveEnterMs: nowMs - 30_000 });
const topology = topologyOf({ servers: [serverOf({ instanceId: 'nginx-installed' })] });
const facts = { 'nginx-instances': [stoppedInstance()], 'systemd-units': [stopped], topology };

describe('nginx-down fires', () => {
  it('where the enabled unit was stopped', () => {
    expect(detections(fault, facts)).toMatchObject([
      { confidence: 'confirmed', status: 'active', messageId: 'stopped', symptoms: ['client-refused'], fixData: { unit: 'nginx.service' } },
    ]);
  });

  it('where the unit failed', () => {
    const failed = { ...stopped, activeState: 'failed', result: 'signal' };
    expect(detections(fault, { ...facts, 'systemd-units': [failed] })).toMatchObject([{ messageId: 'failed' }]);
  });

  it('where a unit that nobody enabled ran within the window', () => {
    expect(detections(fault, { ...facts, 'systemd-units': [{ ...stopped, unitFileState: 'disabled' }] })).toMatchObject([{ messageId: 'stopped' }]);
  });

  it('as likely where there is no systemd and requests were answered a moment ago', () => {
    const { 'systemd-units': _none, ...without } = facts;
    expect(detections(fault, { ...without, 'nginx-access-log': { lastMs: nowMs - 60_000 } })).toMatchObject([{ confidence: 'likely', messageId: 'gone' }]);
  });
});

describe('nginx-down is silent', () => {
  it('where nginx runs', () => {
    expect(detections(fault, { ...facts, 'nginx-instances': [instanceOf()] })).toEqual([]);
  });

  it('where it is switched off for good, or masked', () => {
    const off = { ...stopped, unitFileState: 'disabled', inactiveEnterMs: nowMs - 90_000_000 };
    expect(detections(fault, { ...facts, 'systemd-units': [off] })).toEqual([]);
    expect(detections(fault, { ...facts, 'systemd-units': [{ ...stopped, loadState: 'masked' }] })).toEqual([]);
  });

  it('where another program has the port', () => {
    expect(ruledOutBy(fault, { ...facts, listeners: [listenerOf(80, [700])] })).toHaveLength(1);
    expect(detections(fault, { ...facts, listeners: [listenerOf(80, [700])] })).toEqual([]);
  });

  it('where it could not have its port', () => {
    expect(detections(fault, { ...facts, 'nginx-error-log': { groups: [bindGroup('0.0.0.0:80', 1000)] } })).toEqual([]);
  });
});
