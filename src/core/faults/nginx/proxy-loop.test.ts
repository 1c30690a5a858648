import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import type { Setting } from '../../model/facts/nginx.ts';
import { detections, hopOf, routeOf, symptomOf } from '../backend/testing.ts';
import loop from './proxy-loop.ts';
import { serverOf, topologyOf } from './testing.ts';

const fault = loop as unknown as Fault;
const listens = [
  { address: { kind: 'tcp', host: '0.0.0.0', port: 8017 }, tls: false, defaultServer: false, origin: { kind: 'file', path: '/etc/nginx/x', line: 2 } },
] as const;
const own = serverOf({ names: ['forum.example'], listens });
const other = serverOf({ id: 'other', names: ['inside.example'], listens });
const host = (value: string): Setting => ({ directive: 'proxy_set_header', args: ['Host', value], origin: { kind: 'file', path: '/etc/nginx/x', line: 5 } });
const failing = symptomOf('reset');

function found(headers: readonly Setting[], servers = [own, other], target = 'http://127.0.0.1:8017'): unknown[] {
  const route = routeOf({ headers, target });
  return detections(fault, {
    hops: [hopOf({ routes: [route], symptoms: [failing] })],
    topology: topologyOf({ servers, routes: [route] }),
    symptoms: [failing],
  });
}

describe('proxy-loop fires', () => {
  it('where the server that takes the request is the one it came from', () => {
    expect(found([])).toMatchObject([{ confidence: 'confirmed', status: 'active', symptoms: [failing.id] }]);
    expect(found([host('$host')], [other, own])).toHaveLength(1);
    expect(found([host('forum.example')], [other, own])).toHaveLength(1);
  });
});

describe('proxy-loop is silent', () => {
  it('where the name leads to another server of the same port', () => {
    expect(found([host('inside.example')])).toEqual([]);
    expect(found([], [other, own])).toEqual([]);
  });

  it('where the name is made of variables, or the path comes out elsewhere', () => {
    expect(found([host('$backend')])).toEqual([]);
    expect(found([host('$host')], [own], 'http://127.0.0.1:8017/elsewhere/')).toHaveLength(1);
  });

  it('where the address is another one', () => {
    expect(found([host('$host')], [serverOf()])).toEqual([]);
  });
});
