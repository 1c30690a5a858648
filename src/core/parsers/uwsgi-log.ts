/**
 * uWSGI's log after its time, where a line has one. Source: uWSGI 2.0.21 core/master.c, core/master_utils.c,
 * core/protocol.c, core/socket.c; captured. Samples:
 *
 *   *** HARAKIRI ON WORKER 2 (pid: 19153, try: 1) ***
 *   HARAKIRI [core 0] 127.0.0.1 - GET /slow since 1795246307
 *   DAMN ! worker 1 (pid: 19152) died, killed by signal 9 :( trying respawn ...
 *   !!! uWSGI process 150 got Segmentation Fault !!!     and after its stack:  DAMN ! worker 1 (pid: 150) died :( trying respawn ...
 *   *** uWSGI listen queue of socket "127.0.0.1:9301" (fd: 3) full !!! (5/4) ***
 *   invalid request block size: 12161 (max 4096)...skip
 *   ...The work of process 18173 is done. Seeya!     and once it is gone:  worker 1 killed successfully (pid: 18173)
 */
import { backendLine, numberAfter, textBetween } from './backend-line.ts';
import type { BackendLine } from './backend-line.ts';

/** What one line says. `timeMs` is the line's own time, from which the age of a killed request follows. */
export function parseUwsgiLine(text: string, timeMs?: number): BackendLine | undefined {
  if (text.startsWith('*** HARAKIRI ON WORKER ')) return backendLine('request-killed', { pid: numberAfter(text, '(pid: ') });
  if (text.startsWith('HARAKIRI [core ')) {
    const since = text.lastIndexOf(' since ');
    const request = since < 0 ? undefined : textBetween(text.slice(0, since + 1), ' - ', ' since');
    const start = since < 0 ? undefined : numberAfter(text.slice(since), ' since ');
    const seconds = start === undefined || timeMs === undefined ? undefined : Math.max(0, timeMs / 1000 - start);
    const uri = since < 0 ? undefined : (request ?? text.slice(text.indexOf(' - ') + 3, since)).replace(/^[A-Z]{1,20} /, '').slice(0, 512);
    return backendLine('detail', { uri, seconds });
  }
  if (text.startsWith('DAMN ! worker ')) {
    const pid = numberAfter(text, '(pid: ');
    const signal = numberAfter(text, 'killed by signal ');
    return signal === undefined ? backendLine('worker-exit', { pid }) : backendLine('worker-signal', { pid, signal });
  }
  if (text.startsWith('!!! uWSGI process ') && text.includes(' got Segmentation Fault'))
    return backendLine('worker-signal', { pid: numberAfter(text, 'process '), signal: 11 });
  if (text.startsWith('*** uWSGI listen queue of socket ') && text.includes(' full !!!')) {
    return backendLine('listen-queue-full', { address: textBetween(text, 'socket "', '"') });
  }
  if (text.startsWith('invalid request block size: ')) return backendLine('request-too-big');
  if (text.startsWith('*** Starting uWSGI ')) return backendLine('started');
  if (text.startsWith('goodbye to uWSGI')) return backendLine('stopped');
  const taken = textBetween(text, 'probably another instance of uWSGI is running on the same address (', ')');
  if (taken !== undefined) return backendLine('address-in-use', { address: taken });
  if (text.startsWith('unable to load app ') || text.startsWith('Listen queue size is greater than the system max') || text.startsWith('bind(): ')) {
    return backendLine('boot-failed');
  }
  if (text.includes('lifetime reached, it was running for ') || text.startsWith('...The work of process ')) {
    return backendLine('worker-recycled', { pid: numberAfter(text, 'process ') });
  }
  if (text.startsWith('worker ') && text.includes(' killed successfully (pid: ')) return backendLine('gone', { pid: numberAfter(text, '(pid: ') });
  return undefined;
}
