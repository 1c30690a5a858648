import { expect, it } from 'vitest';
import type { Facts } from '../model/facts.ts';
import type { Fault } from '../model/fault.ts';
import type { Detection } from '../model/finding.ts';
import { buildReport } from './build-report.ts';
import type { ReportInput } from './build-report.ts';

const missing = { state: 'absent', why: 'not read' } as const;
const ids = ['symptoms', 'host-identity', 'nginx-instances', 'nginx-access-log', 'nginx-error-log', 'nginx-layout', 'nginx-config'] as const;
const more = ['probe-results', 'topology', 'services', 'systemd-units', 'circumstances'] as const;
const facts = Object.fromEntries([...ids, ...more].map(id => [id, missing])) as unknown as Facts;

const fault = {
  meta: { id: 'x', layer: 'backend', title: 'The service is not running', explains: [], requires: [], leadsTo: [], messages: { m: 'Nobody listens.' } },
} as unknown as Fault;

function reportOf(confidence: Detection['confidence']): ReturnType<typeof buildReport> {
  const detection: Detection = {
    confidence,
    status: 'active',
    subject: { kind: 'peer', id: 'p', name: '192.0.2.70:8012', peers: ['p'] },
    messageId: 'm',
    data: {},
    evidence: [{ source: 'probe', text: 'refused' }],
    symptoms: [],
  };
  const input: ReportInput = {
    facts,
    context: { sinceMs: 0, nowMs: 1, clock: { nowMs: 1, zone: 'UTC', offsetMinutes: 0 }, probing: true },
    assessed: { raw: [{ fault, detection }], ruledOut: [], notAssessed: new Map() },
    faults: [fault],
    fixes: [],
    titles: new Map(),
    hostName: 'h',
    version: '0',
    durationMs: 1,
    internalErrors: [],
    redact: text => text,
  };
  return buildReport(input);
}

it('states as a fact only what is more than possible', () => {
  expect(reportOf('likely').summary).toBe('The service is not running: 192.0.2.70:8012.');
  const report = reportOf('possible');
  expect(report.findings[0]?.title).toBe('Possibly the service is not running');
  expect(report.summary).toBe('Possibly the service is not running: 192.0.2.70:8012.');
});
