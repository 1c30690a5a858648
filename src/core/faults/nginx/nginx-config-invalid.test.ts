import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import { detections, lostHop, peerOf, routeOf, unitOf } from '../backend/testing.ts';
import invalid from './nginx-config-invalid.ts';
import { configOf, instanceOf, site, startedMs, stoppedInstance, topologyOf } from './testing.ts';

const fault = invalid as unknown as Fault;
const line = `nginx: [emerg] unexpected "}" in ${site}:3`;
const test = {
  instanceId: 'nginx',
  ok: false,
  output: [line, 'nginx: configuration file /etc/nginx/nginx.conf test failed'],
  error: { text: 'unexpected "}"', path: site, line: 3 },
  denied: false,
};
const text = 'location / {\n    proxy_pass http://127.0.0.1:1\n}\n';
const facts = { 'nginx-config-test': [test], 'nginx-instances': [instanceOf()], 'nginx-config': [configOf(text, startedMs + 60_000)] };

describe('nginx-config-invalid fires', () => {
  it('latent while nginx runs on what it has in memory, with the lines in question', () => {
    expect(detections(fault, facts)).toMatchObject([
      {
        confidence: 'confirmed',
        status: 'latent',
        messageId: 'running',
        subject: { name: `${site}:3` },
        evidence: [
          { text: line },
          { text: test.output[1] },
          { source: `config:${site}:2`, text: 'proxy_pass http://127.0.0.1:1' },
          { source: `config:${site}:3` },
        ],
        data: { newer: `; changed after the workers began: ${site}` },
      },
    ]);
  });

  it('active where nginx cannot start for it', () => {
    const unit = unitOf({ name: 'nginx.service', activeState: 'failed', result: 'exit-code' });
    const down = {
      ...facts,
      'nginx-config-test': [{ ...test, instanceId: 'nginx-installed' }],
      'nginx-instances': [stoppedInstance()],
      'systemd-units': [unit],
    };
    expect(detections(fault, down)).toMatchObject([{ status: 'active', messageId: 'stopped', symptoms: ['client-refused'] }]);
  });

  it('active where a needed change cannot be loaded for it', () => {
    const hop = lostHop({ peer: peerOf({ onlyInLog: true, listeners: [] }), routes: [] });
    const pending = { ...facts, hops: [hop], topology: topologyOf({ routes: [routeOf({ groupId: 'g' })], peers: [hop.peer] }) };
    expect(detections(fault, pending)).toMatchObject([{ status: 'active', messageId: 'pending', symptoms: [hop.symptoms[0]?.id] }]);
  });

  it('with the directive that names a file which cannot be loaded', () => {
    const missing = { ...test, error: { text: 'cannot load certificate "/etc/ssl/a.crt": BIO_new_file() failed' } };
    const arg = { value: '/etc/ssl/a.crt', quote: '', start: 0, end: 0 } as const;
    const config = { ...configOf(text, 0), directives: [{ name: 'ssl_certificate', args: [arg], path: site, line: 2, start: 0, end: 0 }] };
    expect(detections(fault, { ...facts, 'nginx-config-test': [missing], 'nginx-config': [config] })).toMatchObject([{ subject: { name: `${site}:2` } }]);
  });
});

describe('nginx-config-invalid is silent', () => {
  it('where the test passes', () => {
    expect(detections(fault, { ...facts, 'nginx-config-test': [{ ...test, ok: true }] })).toEqual([]);
  });

  it('where the test was refused its rights', () => {
    expect(detections(fault, { ...facts, 'nginx-config-test': [{ ...test, denied: true }] })).toEqual([]);
  });

  it('for an nginx that is switched off', () => {
    const unit = unitOf({ name: 'nginx.service', activeState: 'inactive', unitFileState: 'disabled' });
    const off = {
      ...facts,
      'nginx-config-test': [{ ...test, instanceId: 'nginx-installed' }],
      'nginx-instances': [stoppedInstance()],
      'systemd-units': [unit],
    };
    expect(detections(fault, off)).toEqual([]);
  });
});
