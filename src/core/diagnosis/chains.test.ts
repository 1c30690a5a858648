import { expect, test } from 'vitest';
import { defineFault, type Fault } from '../model/fault.ts';
import type { Detection } from '../model/finding.ts';
import { makeChains, mergeSame } from './chains.ts';
import { shareOut } from './shares.ts';
import type { Symptom } from '../model/facts/topology.ts';
import type { Raw } from './run-faults.ts';

function fault(id: string, leadsTo: readonly string[]): Fault {
  return defineFault({
    meta: { id, layer: 'backend', title: id, explains: [], requires: [], leadsTo, messages: { seen: 'seen' } },
    detect: () => [],
  });
}

function raw(id: string, leadsTo: readonly string[], detection: Partial<Detection> = {}): Raw {
  return {
    fault: fault(id, leadsTo),
    detection: {
      confidence: 'confirmed',
      status: 'active',
      subject: { kind: 'peer', id: `${id} subject`, name: id, peers: ['127.0.0.1:8080'] },
      messageId: 'seen',
      data: {},
      evidence: [{ source: 'test', text: id }],
      symptoms: [],
      ...detection,
    },
  };
}

function symptom(id: string, count: number): Symptom {
  return {
    id,
    class: 'connect-refused',
    madeBy: 'nginx',
    count,
    firstMs: 0,
    lastMs: 0,
    ongoing: true,
    shape: { when: 'once', text: '' },
    errorGroups: [],
    accessGroups: [],
  };
}

const namesOf = (chains: ReturnType<typeof makeChains>): string[] =>
  chains.map(({ root, consequences }) => [root, ...consequences].map(one => one.fault.meta.id).join(' → '));

test('the deepest proven link is the root, and the whole chain hangs on it', () => {
  const chains = makeChains([raw('no-live-upstreams', []), raw('socket-stale', ['no-live-upstreams']), raw('backend-oom-killed', ['socket-stale'])]);
  expect(namesOf(chains)).toEqual(['backend-oom-killed → no-live-upstreams → socket-stale']);
});

test('a cause on another hop is no cause of this one', () => {
  const other = raw('backend-oom-killed', ['socket-stale'], { subject: { kind: 'peer', id: 'b', name: 'b', peers: ['127.0.0.1:9999'] } });
  expect(namesOf(makeChains([raw('socket-stale', []), other]))).toEqual(['socket-stale', 'backend-oom-killed']);
});

test('a mere possibility does not take the place of a proof', () => {
  const guess = raw('backend-oom-killed', ['socket-stale'], { confidence: 'possible' });
  expect(namesOf(makeChains([raw('socket-stale', []), guess]))).toEqual(['socket-stale', 'backend-oom-killed']);
});

test('what only may fail later is not the cause of what fails now', () => {
  const latent = raw('nginx-config-invalid', ['nginx-down'], { status: 'latent' });
  expect(namesOf(makeChains([raw('nginx-down', []), latent]))).toEqual(['nginx-down', 'nginx-config-invalid']);
});

test('two that lead to each other keep one root', () => {
  const chains = makeChains([raw('a', ['b']), raw('b', ['a'])]);
  expect(namesOf(chains)).toEqual(['a → b']);
});

test('the same finding twice is one finding with all its evidence', () => {
  const [only, ...rest] = mergeSame([
    raw('a', [], { subject: { kind: 'peer', id: 'x', name: 'x', peers: ['1'] } }),
    raw('a', [], { subject: { kind: 'peer', id: 'x', name: 'x', peers: ['2'] }, evidence: [{ source: 'other', text: 'b' }] }),
  ]);
  expect(rest).toEqual([]);
  expect(only?.detection.evidence).toHaveLength(2);
  expect(only?.detection.subject.peers).toEqual(['1', '2']);
});

test('a symptom counts for the best-proven claimant alone, and what nobody claims stays unexplained', () => {
  const chains = makeChains([raw('guess', [], { confidence: 'possible', symptoms: ['s1', 's2'] }), raw('proof', [], { symptoms: ['s1'] })]);
  const shares = shareOut(chains, [symptom('s1', 70), symptom('s2', 20), symptom('s3', 10)]);
  expect(shares).toEqual({ counts: [20, 70], total: 100, unexplained: 10 });
});

test('a cause that is over is not the root of what outlives it', () => {
  const restart = raw('restart', ['marks'], { status: 'past' });
  expect(makeChains([restart, raw('marks', [])])).toHaveLength(1);
  expect(makeChains([restart, raw('marks', [], { outlivesCause: true })])).toHaveLength(2);
  expect(makeChains([raw('restart', ['marks']), raw('marks', [], { outlivesCause: true })])).toHaveLength(1);
});
