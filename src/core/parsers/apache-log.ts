/**
 * Apache httpd's error log after its time: `[module:level] [pid N:tid M] AH01234: text`. Source: httpd 2.4
 * server/log.c, mpm/event, mpm/prefork, modules/proxy; captured from Debian's 2.4. Samples:
 *
 *   [mpm_prefork:error] [pid 401] AH00161: server reached MaxRequestWorkers setting, consider raising the MaxRequestWorkers setting
 *   [mpm_event:error] [pid 401:tid 401] AH00484: server reached MaxRequestWorkers setting, consider raising …
 *   [core:notice] [pid 401] AH00052: child pid 412 exit signal Segmentation fault (11)
 *   [proxy:error] [pid 403] (111)Connection refused: AH00957: http: attempt to connect to 127.0.0.1:9000 (127.0.0.1:9000) failed
 *
 * A line after a graceful reload reads like one after a start: systemd tells these apart.
 */
import { backendLine, numberAfter, textBetween } from './backend-line.ts';
import type { BackendLine } from './backend-line.ts';
import { findAddress } from './dependency-error.ts';
import { findLimitError } from './limit-error.ts';

/** The numbers are permanent; the words around them have changed between releases. */
const full: ReadonlySet<string> = new Set(['AH00161', 'AH00484', 'AH03490', 'AH00288', 'AH00286', 'AH00485']);
const stopped: ReadonlySet<string> = new Set(['AH00169', 'AH00491', 'AH00295', 'AH00170', 'AH00492', 'AH00296']);
/** What follows it (AH01114, AH01079) repeats it without the port. */
const unreachable: ReadonlySet<string> = new Set(['AH00957', 'AH02454']);

/** What one line says. `text` is without its time. */
export function parseApacheLine(text: string): BackendLine | undefined {
  const line = text.slice(0, 2000);
  const pid = numberAfter(line, '[pid ');
  const code = /\bAH\d{5}(?=:)/.exec(line)?.[0] ?? '';
  if (full.has(code) || line.includes('server reached MaxRequestWorkers setting') || line.includes('scoreboard is full'))
    return backendLine('pool-full', { pid });
  if (code === 'AH00052' || code === 'AH00051') {
    const name = textBetween(line, ' exit signal ', '(');
    const number = name === undefined ? undefined : numberAfter(line, `${name}(`);
    return backendLine('worker-signal', { pid: numberAfter(line, 'child pid '), signal: number });
  }
  if (code === 'AH00072') return backendLine('address-in-use', { address: findAddress(line.slice(Math.max(0, line.indexOf('could not bind')))), pid });
  if (stopped.has(code)) return backendLine('stopped', { pid });
  if (code === 'AH00159' || code === 'AH00481') return backendLine('fork-failed', { pid });
  if (unreachable.has(code)) {
    const socket = textBetween(line, 'Unix domain socket ', ' ');
    const address = socket === undefined ? findAddress(line.slice(line.indexOf(code))) : `unix:${socket}`;
    return backendLine('dependency-error', { address, pid });
  }
  const limit = findLimitError(line);
  if (limit !== undefined) return backendLine(limit, { pid });
  return code === 'AH01071' && line.includes('PHP Fatal error') ? backendLine('app-error', { pid }) : undefined;
}
