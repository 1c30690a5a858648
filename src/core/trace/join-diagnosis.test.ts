import { describe, expect, it } from 'vitest';
import type { Finding } from '../model/finding.ts';
import type { Report } from '../model/report.ts';
import { joinDiagnosis } from './join-diagnosis.ts';

const finding: Finding = {
  fault: 'backend-down',
  layer: 'backend',
  confidence: 'confirmed',
  status: 'active',
  subject: { kind: 'peer', id: '127.0.0.1:9000', name: 'api', peers: ['127.0.0.1:9000'] },
  title: 'The backend does not run',
  explanation: 'Nothing listens.',
  share: 1,
  evidence: [{ source: 'probe:http', text: 'ECONNREFUSED' }],
  symptoms: ['s1'],
  consequences: [],
  fixes: [],
};
const answer: Finding = {
  ...finding,
  fault: 'error-answer',
  subject: { kind: 'upstream', id: 'behind:nginx', name: 'what nginx passes requests to', peers: ['127.0.0.1:443'] },
  symptoms: ['t1-1'],
};

function report(verdict: Report['verdict'], findings: readonly Finding[]): Report {
  return {
    schemaVersion: 1,
    tool: { name: 'badhop', version: '0.0.0' },
    host: { name: 'local', hostname: 'web1', os: '', kernel: '', user: 'root', nginx: [] },
    startedAt: '2026-11-21T07:40:00.000Z',
    durationMs: 100,
    window: { from: '2026-11-21T07:25:00.000Z', to: '2026-11-21T07:40:00.000Z' },
    verdict,
    summary: `it is ${verdict}`,
    traffic: { requests: 10, failed: 1, explainedShare: 1, unexplainedShare: 0 },
    topology: { servers: [], routes: [], groups: [], peers: [], services: [] },
    symptoms: findings
      .flatMap(each => each.symptoms)
      .map(id => ({ id, class: 'probe-failed', madeBy: 'unknown', count: 1, ongoing: true, firstAt: '', lastAt: '', shape: '', samples: [] })),
    findings,
    ruledOut: [],
    notChecked: [],
    internalErrors: [],
    trace: { url: 'https://shop.example/', method: 'GET', hops: [], sizes: [] },
  };
}

const line = (text: string) => ({ source: 'file:/var/log/nginx/error.log', text });
const trace = report('failing', [answer]);

describe('a request that was sent in a diagnosis', () => {
  it('belongs to the finding that its log line names', () => {
    const joined = joinDiagnosis(report('failing', [finding]), {
      trace,
      lines: [line('connect() failed (111: Connection refused), upstream: "http://127.0.0.1:9000/"')],
    });
    expect(joined.findings.map(({ fault }) => fault)).toEqual(['backend-down', 'error-answer']);
    expect(joined.findings[0]).toMatchObject({ symptoms: ['s1', 'url-t1-1'], consequences: ['error-answer'] });
    expect(joined.findings[0]?.evidence.at(-1)?.text).toContain('Connection refused');
    expect(joined.findings[1]).toMatchObject({ causedBy: 'backend-down', symptoms: ['url-t1-1'] });
    expect(joined).toMatchObject({ verdict: 'failing', summary: 'it is failing', notChecked: [] });
  });

  it('is not laid at the door of another backend whose port begins with the same digits', () => {
    const joined = joinDiagnosis(report('failing', [finding]), { trace, lines: [line('upstream: "http://127.0.0.1:90001/"')] });
    expect(joined.findings[0]?.symptoms).toEqual(['s1']);
    expect(joined.findings[1]?.causedBy).toBeUndefined();
  });

  it('makes a host failing that looked well', () => {
    const joined = joinDiagnosis(report('healthy', []), { trace, lines: [line('x')] });
    expect(joined).toMatchObject({ verdict: 'failing', summary: 'it is failing' });
    expect(joined.findings[0]?.fault).toBe('error-answer');
  });

  it('makes a healthy host one at risk whose certificate no client will take, and leaves one of the house alone', () => {
    const expired: Finding = { ...answer, fault: 'tls-certificate-expired', title: 'The certificate has expired', status: 'latent', symptoms: [] };
    const joined = joinDiagnosis(report('healthy', []), { trace: report('at-risk', [expired]), lines: [line('x')] });
    expect(joined.verdict).toBe('at-risk');
    expect(joined.summary).toContain('has expired');
    const own = joinDiagnosis(report('healthy', []), { trace: report('at-risk', [{ ...expired, fault: 'tls-untrusted-issuer' }]), lines: [line('x')] });
    expect(own).toMatchObject({ verdict: 'healthy', findings: [] });
  });

  it('changes nothing where it was answered well, and says that it left no line', () => {
    const joined = joinDiagnosis(report('failing', [finding]), { trace: report('healthy', []), lines: [] });
    expect(joined.findings).toEqual([finding]);
    expect(joined.notChecked.map(({ what }) => what)).toEqual(['The log line of the request']);
  });
});
