/**
 * Telling lines that runtimes and their web servers print: Node 20.20, Python 3.11, Puma 5.6, uvicorn 0.17 and
 * Tomcat 10.1 captured; unicorn, waitress, Go and PM2 from their sources. Samples:
 *
 *   Error: listen EADDRINUSE: address already in use 127.0.0.1:9501
 *   FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory
 *   ERROR:    Error loading ASGI app. Could not import module "nope".
 *   INFO: Server startup in [105] milliseconds
 */
import { backendLine, numberAfter } from './backend-line.ts';
import type { BackendLine } from './backend-line.ts';
import { findAddress, findDependencyError } from './dependency-error.ts';
import { findLimitError } from './limit-error.ts';

/** The name of an exception at the start of a line, as Python, Node, Ruby and Java print it. */
const exceptionName =
  /^(?:Uncaught |Caused by: |Exception in thread "[^"]{0,100}" )?[A-Za-z_][A-Za-z0-9_.:$]{0,200}(?:Error|Exception|Exit|Interrupt|Warning)(?=$|:| \[)/;

const requestLimits = ['max_requests', 'max-requests', 'max requests', 'maximum request limit', 'max number of requests', 'maximum number of requests'];
const ends = ['exceed', 'reach', 'restart', 'respawn', 'recycl', 'retir', 'terminat', 'exiting', 'replac'];

/** What one line says, by any of the runtimes. `text` is without its time and without an indent's meaning. */
export function parseAppLine(text: string): BackendLine | undefined {
  const line = text.slice(0, 2000);
  return addressInUse(line) ?? limit(line) ?? memory(line) ?? lifecycle(line) ?? workers(line) ?? errors(line);
}

/** True where the line names an exception: the last line of a Python traceback, the first of a Java or Node one. */
export function isExceptionLine(text: string): boolean {
  return exceptionName.test(text.slice(0, 400));
}

function addressInUse(line: string): BackendLine | undefined {
  const lower = line.toLowerCase();
  if (!lower.includes('address already in use') && !lower.includes('eaddrinuse: ') && !lower.includes('error while attempting to bind on address'))
    return undefined;
  // A stack frame or a property that repeats the message is no second event.
  if (line.startsWith(' ') || line.startsWith('\t')) return undefined;
  return backendLine('address-in-use', { address: findAddress(line.includes('(Errno') ? line.slice(Math.max(0, line.indexOf('bind(2)'))) : line) });
}

function limit(line: string): BackendLine | undefined {
  const kind = findLimitError(line);
  return kind === undefined ? undefined : backendLine(kind);
}

function memory(line: string): BackendLine | undefined {
  if (line.startsWith('FATAL ERROR: ') && line.includes('heap out of memory')) return backendLine('out-of-memory');
  if (line.includes('java.lang.OutOfMemoryError')) return backendLine('out-of-memory');
  if (line.startsWith('fatal error: runtime: out of memory')) return backendLine('out-of-memory');
  return undefined;
}

function lifecycle(line: string): BackendLine | undefined {
  const pumaPid = /^\[(\d{1,10})\] /.exec(line);
  const text = pumaPid === null ? line : line.slice(pumaPid[0].length);
  const pid = pumaPid === null ? undefined : Number(pumaPid[1]);
  if (text.startsWith('Puma starting in ')) return backendLine('started', { pid });
  if (text.startsWith('=== puma shutdown: ') || text.startsWith('- Gracefully stopping, waiting')) return backendLine('stopped', { pid });
  if (text.includes('Uvicorn running on ')) return backendLine('started');
  if (/^(?:INFO: +)?Started server process \[\d+\]/.test(text)) return backendLine('started', { pid: numberAfter(text, 'process [') });
  if (/^(?:INFO: +)?Finished server process \[\d+\]/.test(text)) return backendLine('stopped', { pid: numberAfter(text, 'process [') });
  if (text.includes('Error loading ASGI app.') || text.includes('Application startup failed')) return backendLine('boot-failed');
  if (/(?:^|INFO:? |\] )(?:[\w.]{1,100} )*Server startup in \[/.test(text)) return backendLine('started');
  if (/(?:^|INFO:? |\] )(?:[\w.]{1,100} )*Stopping service \[/.test(text)) return backendLine('stopped');
  if (text.includes('Failed to initialize component [') || text.includes('Failed to start component [')) return backendLine('boot-failed');
  return undefined;
}

function workers(line: string): BackendLine | undefined {
  const pumaTimeout = line.indexOf('! Terminating timed out worker');
  if (pumaTimeout >= 0) return backendLine('request-killed', { seconds: numberAfter(line, ' within '), pid: numberAfter(line.slice(pumaTimeout), '): ') });
  if (line.includes('worker=') && line.includes(' timeout (') && line.trimEnd().endsWith('killing')) {
    return backendLine('request-killed', { pid: numberAfter(line, ' PID:'), seconds: numberAfter(line, ' timeout (') });
  }
  if (line.includes('reaped #<Process::Status: pid ')) {
    const signal = numberAfter(line, '(signal ');
    const pid = numberAfter(line, 'Status: pid ');
    return signal === undefined ? backendLine('worker-exit', { pid }) : backendLine('worker-signal', { pid, signal });
  }
  if (/All threads \(\d+\) are currently busy/.test(line) || /Maximum number of threads \(?\[?\d+\]?\)? created for connector/.test(line)) {
    return backendLine('pool-full');
  }
  if (line.includes('Task queue depth is ') || line.includes('Exceeded concurrency limit')) return backendLine('pool-full');
  const recycled = recycledWorker(line);
  if (recycled !== undefined) return recycled;
  if (line.includes('App [') && line.includes('exited with code [')) {
    // Stopping an app on purpose ends it by SIGINT with code 0.
    const signal = /via signal \[(SIG[A-Z]{2,6})\]/.exec(line)?.[1];
    if (line.includes('exited with code [0]') && signal === 'SIGINT') return backendLine('stopped');
    return backendLine('worker-exit');
  }
  return undefined;
}

/**
 * A worker that ends because it has served its time, in the words of PM2 (Daemon.js, Worker.js), uvicorn from 0.21, unicorn-worker-killer and
 * puma_worker_killer, or of an application that counts for itself.
 */
function recycledWorker(line: string): BackendLine | undefined {
  if (/^\s/.test(line)) return undefined;
  const lower = line.slice(0, 500).toLowerCase();
  const isMemory = lower.includes('exceeds --max-memory-restart value') || (lower.includes('pumaworkerkiller: ') && lower.includes('sending term to pid '));
  const isCounted = requestLimits.some(mark => lower.includes(mark)) && ends.some(mark => lower.includes(mark));
  const isSaid = /(?:^|[\s[(,:])recycl[a-z]{0,3}(?=[\s,.:)\]]|$)/.test(lower) && /(?:^|[\s[(])workers?(?=[\s,.:)\]#]|$)/.test(lower);
  // The URL of a logged request is the client's text.
  if ((!isMemory && !isCounted && !isSaid) || lower.includes(' http/')) return undefined;
  return backendLine('worker-recycled', { pid: numberAfter(lower, '(pid: ') ?? numberAfter(lower, 'pid=') ?? numberAfter(lower, 'pid ') });
}

function errors(line: string): BackendLine | undefined {
  // Deeper lines of a stack, and Node's dump of the error object, repeat what its first line said.
  if (/^\s/.test(line)) return undefined;
  const dependency = findDependencyError(line);
  if (dependency !== undefined) return backendLine('dependency-error', dependency);
  if (line.startsWith('panic: ') || line.includes('http: panic serving ')) return backendLine('app-error');
  if (line.startsWith('PHP Fatal error:')) return backendLine('app-error');
  if (line.startsWith('Rack app ("')) return backendLine('app-error', { uri: /^Rack app \("[A-Z]{1,20} ([^"]{1,500})"/.exec(line)?.[1] });
  return isExceptionLine(line) && !/^[\w.]*Warning/.test(line) ? backendLine('app-error') : undefined;
}
