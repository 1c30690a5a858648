import { describe, expect, it } from 'vitest';
import type { Finding } from '../src/core/model/finding.ts';
import type { Report } from '../src/core/model/report.ts';
import { digest, mismatches } from './expectation.ts';
import { defineScenario } from './scenario.ts';
import type { Expectation } from './scenario.ts';

const down: Finding = {
  fault: 'backend-down',
  layer: 'backend',
  confidence: 'confirmed',
  status: 'active',
  subject: { kind: 'unit', id: 'unit:orders.service', name: 'orders.service', peers: ['127.0.0.1:8017'] },
  title: 'The service behind the upstream is not running',
  explanation: 'orders.service is inactive.',
  share: 0.8,
  evidence: [{ source: 'exec:systemctl show orders.service', text: 'ActiveState=inactive' }],
  symptoms: ['s1'],
  consequences: ['no-live-upstreams'],
  fixes: [],
};

const report: Report = {
  schemaVersion: 1,
  tool: { name: 'badhop', version: '0.0.0' },
  host: { name: 'web1', hostname: 'web1', os: 'Debian', kernel: '6', user: 'root', nginx: [] },
  startedAt: '2026-11-21T07:00:00Z',
  durationMs: 1,
  window: { from: '2026-11-21T06:45:00Z', to: '2026-11-21T07:00:00Z' },
  verdict: 'failing',
  summary: 'orders.service is not running.',
  traffic: { requests: 10, failed: 8, explainedShare: 0.8, unexplainedShare: 0.2 },
  topology: { servers: [], routes: [], groups: [], peers: [], services: [] },
  symptoms: [
    {
      id: 's1',
      class: 'connect-refused',
      madeBy: 'nginx',
      count: 8,
      ongoing: true,
      firstAt: '2026-11-21T06:59:00Z',
      lastAt: '2026-11-21T07:00:00Z',
      shape: 'steady',
      since: [{ text: '2 s after orders.service stopped', source: 'journal:orders.service', at: '2026-11-21T06:58:58Z' }],
      where: 'only below /orders/',
      samples: [],
    },
  ],
  findings: [down, { ...down, fault: 'logging-not-ready', status: 'latent', share: 0 }],
  ruledOut: [{ fault: 'firewall-reject', because: 'no rule refuses the port' }],
  notChecked: [],
  internalErrors: [],
};

const holding: Record<string, Expectation> = {
  'names the first finding and its share': {
    verdict: ['failing'],
    exitCode: 1,
    first: 'backend-down',
    firstConfidence: 'confirmed',
    status: 'active',
    minShare: 0.8,
  },
  'lets another open name stand first': { first: 'address-mismatch', orFirst: ['backend-down'] },
  'finds a piece of evidence in its text or its source': { evidence: ['inactive', /^exec:systemctl/] },
  'compares a part of the subject': { subject: { kind: 'unit', peers: ['127.0.0.1:8017'] } },
  'lets a latent finding pass as not active': { notFindings: ['logging-not-ready'], findings: [{ fault: 'logging-not-ready', status: 'latent' }] },
  'reads since when and where': { since: [/^2 s after/], notSince: ['orders.conf'], where: 'below /orders/' },
  'sees consequences and what was ruled out': { consequences: ['no-live-upstreams'], ruledOut: ['firewall-reject'] },
};

const broken: Record<string, [Expectation, string]> = {
  'another verdict': [{ verdict: 'healthy' }, 'the verdict is failing'],
  'another exit code': [{ exitCode: 0 }, 'the exit code is 1'],
  'another first finding': [{ first: 'address-mismatch' }, 'the first finding is backend-down'],
  'none of the open names': [{ first: 'address-mismatch', orFirst: ['socket-stale'] }, 'not address-mismatch or socket-stale'],
  'less certainty': [{ firstConfidence: ['likely', 'possible'] }, 'backend-down is confirmed'],
  'a greater share': [{ minShare: 0.9 }, 'it explains 0.8'],
  'evidence that is not there': [{ evidence: ['Killed process'] }, 'does not show Killed process'],
  'another subject': [{ subject: { id: 'unit:x.service' } }, 'its subject has id'],
  'a finding that must not be': [{ notFindings: ['backend-down'] }, 'backend-down is found'],
  'a quiet host': [{ noneActive: true }, 'nothing is broken'],
  'a change that it does not fail since': [{ since: ['orders.conf'] }, 'no symptom is said to fail since orders.conf (2 s after'],
  'a change that it should not fail since': [{ notSince: [/stopped/] }, 'it did not begin then'],
  'another place': [{ where: '/export/' }, 'no symptom is said to be /export/ (only below /orders/)'],
  'a missing finding': [{ findings: [{ fault: 'backend-down', status: 'past' }] }, 'past backend-down is not found'],
};

describe('an expectation', () => {
  it.each(Object.entries(holding))('%s', (_, expected) => {
    expect(mismatches(expected, report, 1)).toEqual([]);
  });

  it.each(Object.entries(broken))('fails for %s', (_, [expected, message]) => {
    const wrong = mismatches(expected, report, 1);
    expect(wrong).toHaveLength(1);
    expect(wrong[0]).toContain(message);
  });

  it('never lets an error of badhop itself pass', () => {
    expect(mismatches({}, { ...report, internalErrors: ['fault x threw'] }, 1)).toEqual(['badhop failed inside: fault x threw']);
  });

  it('shows what was found beside what was wrong', () => {
    expect(digest(report)).toContain('backend-down  confirmed active  80 %');
  });
});

describe('a scenario', () => {
  const setUp = (): Promise<void> => Promise.resolve();

  it('implies that its fault stands first, and that its look-alike is not found', () => {
    const twin = defineScenario({ name: 'a-twin', title: '', kind: 'twin', fault: 'backend-down', twinOf: 'address-mismatch', setUp, expect: {} });
    expect(twin.expect).toEqual({ first: 'backend-down', notFindings: ['address-mismatch'] });
  });

  it('implies that a healthy host has nothing active', () => {
    expect(defineScenario({ name: 'quiet', title: '', kind: 'healthy', setUp, expect: {} }).expect.noneActive).toBe(true);
  });

  it('is refused where it contradicts itself', () => {
    expect(() => defineScenario({ name: 'quiet', title: '', kind: 'healthy', fault: 'backend-down', setUp, expect: {} })).toThrow('healthy');
    expect(() => defineScenario({ name: 'no twin', title: '', kind: 'fault', fault: 'backend-down', setUp, expect: {} })).toThrow('name');
    expect(() => defineScenario({ name: 'twin', title: '', kind: 'twin', fault: 'backend-down', setUp, expect: {} })).toThrow('whose');
  });
});
