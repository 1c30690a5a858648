/**
 * Formats whose lines stand behind a header that something on their way has put before them: syslog's, or a container engine's.
 *
 *     Nov 21 07:00:00 web1 nginx: 127.0.0.1 - - [21/Nov/2026:07:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "curl"
 *     <134>Nov 21 07:00:00 web1 haproxy[811]: 127.0.0.1:44508 [21/Nov/2026:07:00:00.956] http-in app/s1 0/0/0/1/1 200 …
 *     2026-11-21T07:00:00+0000 web1 uwsgi[59]: DAMN ! worker 1 (pid: 62) died :( trying respawn ...
 *     2026-11-21T07:00:00.123456789Z stdout F 127.0.0.1 - - [21/Nov/2026:07:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "curl"
 *
 * Source: RFC 3164, rsyslog's RSYSLOG_FileFormat and journalctl's short-iso; the logs of Kubernetes' container runtimes (CRI).
 */
import type { LogFormat } from '../scan/format.ts';
import type { PlanStep } from '../scan/plan.ts';
import { clock, literal, pass } from './steps.ts';

/** `syslog-iso` and `syslog-bsd` say how the time is written, where it is needed. */
export type Header = 'syslog' | 'syslog-iso' | 'syslog-bsd' | 'cri';

// The clock has colons without a space behind them.
const upToColon: readonly PlanStep[] = [{ do: 'text', use: 'skip', before: ': ' }, literal(': ')];
const steps: Readonly<Record<Header, readonly PlanStep[]>> = {
  syslog: upToColon,
  'syslog-iso': [clock('iso', ' '), literal(' '), ...upToColon],
  'syslog-bsd': [clock('syslog', ' '), literal(' '), ...upToColon],
  cri: [pass(' '), literal(' std'), pass(' '), literal(' F ')],
};
const timedCri: readonly PlanStep[] = [clock('iso', ' '), ...steps.cri.slice(1)];
const plainSyslog = 'behind a syslog header';
const words: Readonly<Record<Header, string>> = {
  syslog: plainSyslog,
  'syslog-iso': plainSyslog,
  'syslog-bsd': plainSyslog,
  cri: 'behind the header of a container engine',
};

/** The format with a header before it, whose time is taken where the line itself has none. JSON lines need to be seen: `jsonBehindHeader`. */
export function behindHeader(format: LogFormat, header: Header): LogFormat | undefined {
  if (format.plan.kind === 'json') return undefined;
  const own = format.plan.steps;
  const isTimed = own.some(step => step.do === 'time');
  const suffix = isTimed && header.startsWith('syslog') ? 'syslog' : header;
  return withHeaderSteps({ ...format, id: `${format.id}+${suffix}` }, own, suffix);
}

/** The format with these steps behind the header's. */
export function withHeaderSteps(format: LogFormat, own: readonly PlanStep[], header: Header): LogFormat {
  const isTimed = own.some(step => step.do === 'time');
  const head = isTimed ? steps[header.startsWith('syslog') ? 'syslog' : header] : header === 'cri' ? timedCri : steps[header];
  return { ...format, title: `${format.title}, ${words[header]}`, plan: { kind: 'steps', steps: [...head, ...own] } };
}
