/**
 * php-fpm's error log after its time: level, pool, text. Source: php-src 8.2 sapi/fpm/fpm/fpm_children.c,
 * fpm_process_ctl.c, fpm_request.c, fpm_sockets.c; captured from PHP-FPM 8.2.35. Samples:
 *
 *   WARNING: [pool www] server reached pm.max_children setting (3), consider raising it
 *   WARNING: [pool www] The maximum number of processes has been reached. Please review your configuration and consider raising 'process.max'
 *   WARNING: [pool www] child 15294, script '/srv/app/slow.php' (request: "GET /slow.php?s=10") execution timed out (4.002761 sec), terminating
 *   WARNING: [pool www] child 15370 exited on signal 11 (SIGSEGV) after 1.082077 seconds from start
 *   NOTICE: Reloading in progress ...
 */
import { backendLine, numberAfter, textBetween } from './backend-line.ts';
import type { BackendLine } from './backend-line.ts';
import { findDependencyError } from './dependency-error.ts';
import { findLimitError } from './limit-error.ts';

const phpErrors = ['PHP Fatal error:', 'PHP Parse error:', 'Uncaught '];

/** What one line says, or `undefined` where it tells nothing about failing requests. `text` is without its time. */
export function parsePhpFpmLine(text: string): BackendLine | undefined {
  const pool = textBetween(text.slice(0, 300), '[pool ', ']');
  // What a script prints is quoted here: it must not pass for a line of php-fpm's own.
  const said = text.indexOf(' said into std');
  if (said >= 0 && text.slice(0, said).includes(' child ')) return scriptOutput(text.slice(said), pool, numberAfter(text, ' child '));
  const script = text.indexOf(", script '");
  const child = numberAfter(text, ' child ');
  if (script >= 0) return requestLine(text, pool, child);
  if (text.includes('server reached pm.max_children setting (') || text.includes('The maximum number of processes has been reached. '))
    return backendLine('pool-full', { pool });
  if (child !== undefined && text.includes(' exited on signal ')) {
    return backendLine('worker-signal', { pool, pid: child, signal: numberAfter(text, ' exited on signal ') });
  }
  if (child !== undefined && text.includes(' exited with code ')) {
    return backendLine(numberAfter(text, ' exited with code ') === 0 ? 'worker-recycled' : 'worker-exit', { pool, pid: child });
  }
  const limit = findLimitError(text);
  if (limit !== undefined) return backendLine(limit, { pool });
  return masterLine(text, pool) ?? plainPhp(text);
}

function requestLine(text: string, pool: string | undefined, pid: number | undefined): BackendLine | undefined {
  const request = textBetween(text, '(request: "', '")');
  const space = request?.indexOf(' ') ?? -1;
  const uri = request === undefined || space < 0 ? undefined : request.slice(space + 1, space + 513);
  // The URL is the client's text: only what follows its closing quote is php-fpm's.
  const tail = text.slice(text.lastIndexOf('")') + 1);
  if (tail.includes(' execution timed out (')) return backendLine('request-killed', { pool, pid, uri, seconds: numberAfter(tail, ' timed out (') });
  if (tail.includes(' executing too slow (')) return backendLine('slow-request', { pool, pid, uri, seconds: numberAfter(tail, ' too slow (') });
  return undefined;
}

function masterLine(text: string, pool: string | undefined): BackendLine | undefined {
  const address = textBetween(text, "unable to bind listening socket for address '", "'");
  if (address !== undefined) return backendLine(text.includes('Address already in use') ? 'address-in-use' : 'boot-failed', { address: socketName(address) });
  const held = text.indexOf('An another FPM instance seems to already listen on ');
  if (held >= 0) return backendLine('address-in-use', { address: socketName(text.slice(held + 51).trim()) });
  if (text.startsWith('NOTICE: fpm is running, pid ')) return backendLine('started', { pid: numberAfter(text, 'running, pid ') });
  // A reload ends all children, and what they work on, unless process_control_timeout gives them time.
  if (text.startsWith('NOTICE: exiting, bye-bye!') || text.startsWith('NOTICE: Reloading in progress ...')) return backendLine('stopped');
  if (text.startsWith('ERROR: FPM initialization failed') || text.startsWith('ERROR: failed to ')) return backendLine('boot-failed');
  if (text.startsWith('ERROR: [/') || text.startsWith('ALERT: [pool ')) return backendLine('boot-failed', { pool });
  return undefined;
}

function scriptOutput(said: string, pool: string | undefined, pid: number | undefined): BackendLine | undefined {
  const limit = findLimitError(said.trimStart());
  if (limit !== undefined) return backendLine(limit, { pool, pid });
  const dependency = findDependencyError(said);
  if (dependency !== undefined) return backendLine('dependency-error', { pool, pid, ...dependency });
  return phpErrors.some(mark => said.includes(mark)) ? backendLine('app-error', { pool, pid }) : undefined;
}

function plainPhp(text: string): BackendLine | undefined {
  if (!text.startsWith('PHP ')) return undefined;
  const dependency = findDependencyError(text);
  if (dependency !== undefined) return backendLine('dependency-error', dependency);
  return phpErrors.some(mark => text.includes(mark)) ? backendLine('app-error') : undefined;
}

function socketName(address: string): string {
  return address.startsWith('/') ? `unix:${address}` : address;
}
