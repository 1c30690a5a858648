import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import type { Setting } from '../../model/facts/nginx.ts';
import type { ProbeOutcome } from '../../model/probe.ts';
import { address, detections, hopOf, routeOf, symptomOf } from '../backend/testing.ts';
import headerTooBig from './response-header-too-big.ts';
import { asked } from './testing.ts';

const fault = headerTooBig as unknown as Fault;
const inFile: Setting = { directive: 'proxy_buffer_size', args: ['8k'], bytes: 8192, origin: { kind: 'file', path: '/etc/nginx/conf.d/a.conf', line: 7 } };
const routes = [routeOf({ settings: { buffer_size: inFile } })];
const symptoms = [symptomOf('header-too-big')];
const header = (headerBytes: number): ProbeOutcome => ({ state: 'answered', speaks: 'http', answer: { status: 200, headerBytes, complete: true } });

describe('response-header-too-big fires', () => {
  it('as confirmed where a page has a header over the buffer in force', () => {
    const [found] = detections(fault, { hops: [hopOf({ routes, symptoms, probes: [asked('http', header(212)), asked('http', header(9100))] })] });
    expect(found).toMatchObject({ confidence: 'confirmed', status: 'active', symptoms: [`header-too-big@${address}`], fixData: { measured: 9100 } });
    expect(found?.data).toMatchObject({ bytes: 9100, size: '8k', origin: '/etc/nginx/conf.d/a.conf:7' });
  });

  it('as likely where only other people get such a header', () => {
    expect(detections(fault, { hops: [hopOf({ routes, symptoms, probes: [asked('http', header(212))] })] })).toMatchObject([
      { confidence: 'likely', messageId: 'logged' },
    ]);
  });

  it('as past where it has stopped', () => {
    const past = [symptomOf('header-too-big', { ongoing: false })];
    expect(detections(fault, { hops: [hopOf({ routes, symptoms: past, probes: [asked('http', header(212))] })] })).toMatchObject([{ status: 'past' }]);
  });

  it('without a plan where the header does not end', () => {
    const [found] = detections(fault, { hops: [hopOf({ routes, symptoms, probes: [asked('http', header(65_536))] })] });
    expect(found).toMatchObject({ confidence: 'confirmed', messageId: 'endless' });
    expect(found?.fixData).toBeUndefined();
  });

  it('before anybody complains', () => {
    expect(detections(fault, { hops: [hopOf({ routes, probes: [asked('http', header(8193))] })] })).toMatchObject([
      { confidence: 'confirmed', status: 'active' },
    ]);
  });
});

describe('response-header-too-big is silent', () => {
  it('where the header fits', () => {
    expect(detections(fault, { hops: [hopOf({ routes, probes: [asked('http', header(8192))] })] })).toEqual([]);
  });

  it('where the connection ends before the header does', () => {
    expect(
      detections(fault, { hops: [hopOf({ routes, symptoms: [symptomOf('premature-close')], probes: [asked('http', { state: 'closed', how: 'end' })] })] }),
    ).toEqual([]);
  });
});
