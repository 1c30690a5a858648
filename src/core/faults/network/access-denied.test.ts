import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import type { KernelEvent } from '../../model/facts/system.ts';
import { detections, hopOf, kernelOf, peerOf, symptomOf } from '../backend/testing.ts';
import apparmorDenied from './apparmor-denied.ts';
import selinuxDenied from './selinux-denied.ts';

const selinux = selinuxDenied as unknown as Fault;
const apparmor = apparmorDenied as unknown as Fault;

const avc = (change: Partial<KernelEvent> = {}, denial: object = {}): KernelEvent =>
  kernelOf(1000, {
    kind: 'access-denied',
    comm: 'nginx',
    text: 'avc:  denied  { name_connect } for  pid=4711 comm="nginx" dest=8017 …',
    denial: { by: 'selinux', action: 'name_connect', port: 8017, domain: 'httpd_t', targetType: 'unreserved_port_t', ...denial },
    ...change,
  });
const path = '/run/app/app.sock';
const socket = peerOf({ id: `unix:${path}`, address: { kind: 'unix', path } });
const profile = (change: object = {}): KernelEvent =>
  avc({}, { by: 'apparmor', action: 'connect', domain: '/usr/sbin/nginx', path, port: undefined, targetType: undefined, ...change });
const hops = [hopOf({ symptoms: [symptomOf('connect-denied')] })];
const unixHops = [hopOf({ peer: socket, symptoms: [symptomOf('connect-denied')] })];

describe('selinux-denied', () => {
  it('fires as confirmed where the record names the port beside a failing request', () => {
    expect(detections(selinux, { hops, 'kernel-log': [avc()] })).toMatchObject([{ confidence: 'confirmed', status: 'active', data: { domain: 'httpd_t' } }]);
  });

  it('fires as likely for a socket that the record names by its last part', () => {
    const records = [avc({}, { action: 'write', path: 'app.sock', port: undefined })];
    expect(detections(selinux, { hops: unixHops, 'kernel-log': records })).toMatchObject([{ confidence: 'likely' }]);
  });

  it('is likely where no failing request stands beside the record', () => {
    expect(detections(selinux, { hops, 'kernel-log': [avc({ timeMs: kernelOf(300_000).timeMs })] })).toMatchObject([{ confidence: 'likely' }]);
  });

  it.each([
    ['another process was denied', [avc({ comm: 'httpd' })]],
    ['another port was denied', [avc({}, { port: 8018 })]],
    ['nginx was denied to listen', [avc({}, { action: 'name_bind', port: undefined })]],
    ['it was long before the window', [avc({ timeMs: kernelOf(86_000_000).timeMs })]],
    ['the record is of AppArmor', [profile({ path: undefined })]],
    ['nothing was denied', [kernelOf(1000)]],
  ])('is silent where %s', (_name, records) => {
    expect(detections(selinux, { hops, 'kernel-log': records })).toEqual([]);
  });

  it('is silent where no connection failed', () => {
    expect(detections(selinux, { hops: [hopOf({ symptoms: [symptomOf('connect-refused')] })], 'kernel-log': [avc()] })).toEqual([]);
  });
});

describe('apparmor-denied', () => {
  it('fires as confirmed where the record names the socket, by either name of /run', () => {
    for (const name of [path, `/var${path}`])
      expect(detections(apparmor, { hops: unixHops, 'kernel-log': [profile({ path: name })] })).toMatchObject([{ confidence: 'confirmed' }]);
  });

  it('fires as likely where the record names no address', () => {
    expect(detections(apparmor, { hops, 'kernel-log': [profile({ path: undefined })] })).toMatchObject([{ confidence: 'likely' }]);
  });

  it('is silent where another socket was denied', () => {
    expect(detections(apparmor, { hops: unixHops, 'kernel-log': [profile({ path: '/run/other.sock' })] })).toEqual([]);
  });
});
