import { describe, expect, it } from 'vitest';
import { known } from '../../model/fact.ts';
import type { FoundBackend, LostPeer } from '../../model/facts/lost-peer.ts';
import type { Facts } from '../../model/facts.ts';
import type { Finding } from '../../model/finding.ts';
import fix from '../../fixes/correct-upstream-address.ts';
import addressMismatch from './address-mismatch.ts';
import { answered, detections, hopOf, probeOf, site, tcp } from './testing.ts';

const wanted = tcp('127.0.0.1:801');
const real = tcp('127.0.0.1:8010');
const here: FoundBackend = {
  address: real,
  probe: probeOf(real, answered),
  signs: ['a digit of the port is missing or too many'],
  weight: 5,
  used: false,
  telling: true,
};

function run(lost: Partial<LostPeer>, hop = hopOf(wanted)) {
  return detections(addressMismatch, { hops: [hop], listeners: [], 'lost-peers': [{ peerId: '127.0.0.1:801', found: [], stopped: [], ...lost }] });
}

describe('address-mismatch', () => {
  it('fires where the one backend that fits answers elsewhere', () => {
    const [found] = run({ found: [here], here, certainty: 'sure' });
    expect(found).toMatchObject({ confidence: 'confirmed', status: 'active', messageId: 'elsewhere', symptoms: ['connect-refused@127.0.0.1:801'] });
    expect(found?.evidence.map(piece => piece.source)).toContain('probe:http 127.0.0.1:8010 /');
  });

  it('is no more than possible where little speaks for what answers', () => {
    expect(run({ found: [here], here: { ...here, weight: 3 }, certainty: 'fair' })[0]?.confidence).toBe('possible');
  });

  it('plans nothing where two fit equally well', () => {
    const other = { ...here, address: tcp('127.0.0.1:802') };
    const found = (weight: number) => run({ found: [here, { ...other, weight }], here, certainty: 'fair' })[0];
    expect(found(5)).toMatchObject({ confidence: 'possible', messageId: 'perhaps' });
    expect(found(5)).not.toHaveProperty('fixData');
    expect(found(4)).toMatchObject({ confidence: 'likely', fixData: { real: '127.0.0.1:8010' } });
  });

  it('is silent where nothing that answers fits', () => {
    expect(run({ found: [here] })).toEqual([]);
  });

  it('is silent where another address of the name is served', () => {
    expect(run({ found: [here], here, certainty: 'sure', sibling: '127.0.0.1:801' })).toEqual([]);
  });

  it('is silent where the peer was not asked and nothing fails', () => {
    expect(run({ found: [here], here, certainty: 'sure' }, hopOf(wanted, { probes: [], symptoms: [] }))).toEqual([]);
  });

  it('leaves a path that does not exist to socket-missing, where the socket has another path, and not where it became a port', () => {
    const hop = hopOf({ kind: 'unix', path: '/run/a.sock' });
    const lost = (to: FoundBackend) => ({
      hops: [hop],
      listeners: [],
      'lost-peers': [{ peerId: hop.peer.id, found: [to], stopped: [], here: to, certainty: 'sure' }],
    });
    expect(detections(addressMismatch, lost({ ...here, address: { kind: 'unix', path: '/run/b.sock' } }))).toEqual([]);
    expect(detections(addressMismatch, lost(here))).toHaveLength(1);
  });

  it('is latent for a backup that nobody was sent to', () => {
    const backup = hopOf(wanted, { symptoms: [], peer: { flags: { down: false, backup: true, maxFails: 1, failTimeoutMs: 10_000, maxConns: 0 } } });
    expect(run({ found: [here], here, certainty: 'sure' }, backup)[0]?.status).toBe('latent');
  });
});

describe('correct-upstream-address', () => {
  const text = 'upstream t { server 127.0.0.1:801 weight=2; server 127.0.0.1:8011; }\nlocation / { proxy_pass http://127.0.0.1:801/api; }\n';
  const token = (value: string, from: number) => ({
    value,
    quote: '' as const,
    start: text.indexOf(value, from),
    end: text.indexOf(value, from) + value.length,
  });
  const directive = (name: string, value: string) => ({ name, args: [token(value, 0)], path: site, line: 1, start: 0, end: 0 });
  const config = {
    instanceId: 'nginx',
    mainPath: site,
    files: [{ path: site, text }],
    directives: [
      { ...directive('upstream', 't '), start: 3, block: [directive('server', '127.0.0.1:801'), { ...directive('server', '127.0.0.1:8011'), start: 1 }] },
      { ...directive('proxy_pass', 'http://127.0.0.1:801/api'), start: 2 },
    ],
    problems: [],
    unread: [],
  };
  const facts = { 'nginx-config': known([config]), 'nginx-instances': known([]) } as unknown as Facts;
  const finding = (to: string): Finding =>
    ({ confidence: 'confirmed', fixData: { wanted: '127.0.0.1:801', written: '127.0.0.1:801', real: to } }) as unknown as Finding;

  it('changes every place that names the address, and no address that only begins so', () => {
    const edits = fix.plan(finding('127.0.0.1:8010'), facts)?.steps.flatMap(step => (step.kind === 'edit' ? [step.after] : []));
    expect(edits).toEqual(['upstream t { server 127.0.0.1:8010 weight=2; server 127.0.0.1:8011; }', 'location / { proxy_pass http://127.0.0.1:8010/api; }']);
  });

  it('keeps the URI behind a socket', () => {
    const edits = fix.plan(finding('unix:/run/t.sock'), facts)?.steps.flatMap(step => (step.kind === 'edit' ? [step.after] : []));
    expect(edits?.[1]).toBe('location / { proxy_pass http://unix:/run/t.sock:/api; }');
  });

  it('has no plan where the text of the file is not known', () => {
    expect(fix.plan(finding('127.0.0.1:8010'), { ...facts, 'nginx-config': known([{ ...config, files: [] }]) })).toBeUndefined();
  });
});
