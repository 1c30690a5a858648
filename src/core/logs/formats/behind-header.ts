/**
 * Formats whose lines stand behind a header that something on their way has put before them: syslog's, or a container engine's.
 *
 *     Nov 21 07:00:00 web1 nginx: 127.0.0.1 - - [21/Nov/2026:07:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "curl"
 *     <134>Nov 21 07:00:00 web1 haproxy[811]: 127.0.0.1:44508 [21/Nov/2026:07:00:00.956] http-in app/s1 0/0/0/1/1 200 …
 *     2026-11-21T07:00:00.123456789Z stdout F 127.0.0.1 - - [21/Nov/2026:07:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "curl"
 *
 * Source: RFC 3164, rsyslog's RSYSLOG_FileFormat; the logs of Kubernetes' container runtimes (CRI).
 */
import type { LogFormat } from '../scan/format.ts';
import type { PlanStep } from '../scan/plan.ts';

export type Header = 'syslog' | 'cri';

const steps: Readonly<Record<Header, readonly PlanStep[]>> = {
  // The clock has colons without a space behind them.
  syslog: [
    { do: 'text', use: 'skip', before: ': ' },
    { do: 'literal', text: ': ' },
  ],
  cri: [
    { do: 'field', use: 'skip', until: ' ' },
    { do: 'literal', text: ' std' },
    { do: 'field', use: 'skip', until: ' ' },
    { do: 'literal', text: ' F ' },
  ],
};
const words: Readonly<Record<Header, string>> = { syslog: 'behind a syslog header', cri: 'behind the header of a container engine' };

/** The format with a header before it. JSON lines can have none. */
export function behindHeader(format: LogFormat, header: Header): LogFormat | undefined {
  if (format.plan.kind === 'json') return undefined;
  return {
    ...format,
    id: `${format.id}+${header}`,
    title: `${format.title}, ${words[header]}`,
    plan: { kind: 'steps', steps: [...steps[header], ...format.plan.steps] },
  };
}
