import { describe, expect, it } from 'vitest';
import type { CollectContext } from '../model/collector.ts';
import { absent, known, type Known } from '../model/fact.ts';
import type { ExecResult } from '../model/host.ts';
import type { ProbeOutcome } from '../model/probe.ts';
import networkPaths from './network-paths.ts';

const context: CollectContext = { sinceMs: 0, nowMs: 1, clock: { nowMs: 1, zone: 'UTC', offsetMinutes: 0 }, probing: true };

function facts(outcome: ProbeOutcome, local = false) {
  const address = { kind: 'tcp', host: '192.0.2.12', port: 80 } as const;
  const peer = { id: '192.0.2.12:80', address, local, flags: { down: false } };
  return {
    topology: known({ servers: [], routes: [], groups: [], peers: [peer] }),
    'probe-results': known([{ request: { kind: 'connect', address }, outcome, connectMs: 1, ms: 1 }]),
  } as unknown as Parameters<typeof networkPaths.collect>[0];
}

/** Runs the collection with these outputs; the argv of all that was asked comes back too. */
function run(given: ReturnType<typeof facts>, output: Readonly<Record<string, string>>) {
  const asked: string[] = [];
  const steps = networkPaths.collect(given, context);
  let step = steps.next();
  while (step.done !== true) {
    const answers = step.value.map((request): Known<ExecResult> => {
      const command = request.kind === 'exec' ? request.argv.join(' ') : request.kind;
      asked.push(command);
      const said = output[command];
      return said === undefined ? absent('not installed') : known({ stdout: said, stderr: '', code: 0, truncated: false });
    });
    step = steps.next(answers);
  }
  return { asked, fact: step.value };
}

describe('network-paths', () => {
  it('asks for the route and the neighbour of a host that cannot be reached', () => {
    const { fact } = run(facts({ state: 'connect-timeout' }), {
      'ip route get 192.0.2.12': '192.0.2.12 via 192.0.2.1 dev lan0 src 192.0.2.11 uid 0 \n    cache \n',
      'ip neigh show 192.0.2.1': '192.0.2.1 dev lan0 FAILED \n',
      'ip -o link show dev lan0': '3: lan0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500\n',
    });
    expect(fact).toMatchObject({ state: 'known', value: [{ address: '192.0.2.12', via: '192.0.2.1', neighbour: { state: 'FAILED' }, link: { up: true } }] });
    expect(fact.state === 'known' && fact.value[0]?.ping).toBeUndefined();
    expect(fact.state === 'known' && fact.problems?.[0]).toContain('192.0.2.12 is another host');
  });

  it('asks nothing where every backend is reached or is on this host', () => {
    expect(run(facts({ state: 'connected' }), {}).asked).toEqual([]);
    expect(run(facts({ state: 'connect-timeout' }, true), {}).asked).toEqual([]);
  });

  it('is not known where there is no ip to ask', () => {
    expect(run(facts({ state: 'connect-timeout' }), {}).fact.state).toBe('absent');
  });
});
