/**
 * What `nginx -t` prints on stderr (ngx_log_error_core, src/core/ngx_log.c; nginx 1.0 to 1.31). Before the log of
 * the configuration is open each line starts with `nginx: `; where it goes to stderr, with time and process:
 *
 *     nginx: [emerg] unknown directive "foo" in /etc/nginx/nginx.conf:5
 *     2026/11/21 07:34:00 [emerg] 19965#19965: unexpected "}" in /etc/nginx/nginx.conf:2
 *     nginx: configuration file /etc/nginx/nginx.conf test failed
 */
import { linesOf } from './text.ts';

export interface NginxTestOutput {
  readonly lines: readonly string[];
  /** It says that the test was successful. */
  readonly isSuccessful: boolean;
  /** It says that the test failed. */
  readonly isFailed: boolean;
  /** The first line at emerg. */
  readonly error?: { readonly text: string; readonly path?: string; readonly line?: number };
  /** That line tells that the kernel refused something to this user. */
  readonly isRefused: boolean;
}

const maxLines = 500;
const maxLineLength = 4000;

/** Reads the output. */
export function parseNginxTest(text: string): NginxTestOutput {
  const lines: string[] = [];
  for (const line of linesOf(text, maxLines)) if (line.trim() !== '') lines.push(line.slice(0, maxLineLength));
  const emergency = lines.flatMap(line => messageAt(line) ?? [])[0];
  return {
    lines,
    isSuccessful: lines.some(line => line.endsWith(' test is successful')),
    isFailed: lines.some(line => line.endsWith(' test failed')),
    ...(emergency === undefined ? {} : { error: placed(emergency) }),
    isRefused: emergency !== undefined && isRefusal(emergency),
  };
}

/** The message of a line at emerg, without time and process. */
function messageAt(line: string): string | undefined {
  const mark = line.indexOf('[emerg] ');
  if (mark < 0 || mark > 64) return undefined;
  // A message may quote `[emerg]` itself; the level stands right after `nginx: ` or the time.
  const before = line.slice(0, mark);
  if (!/^(?:\w+: |\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d )$/u.test(before)) return undefined;
  return line.slice(mark + '[emerg] '.length).replace(/^\d{1,10}#\d{1,10}: (?:\*\d{1,15} )?/u, '');
}

/** Takes ` in FILE:LINE` off the end. */
function placed(message: string): { readonly text: string; readonly path?: string; readonly line?: number } {
  const at = message.lastIndexOf(' in ');
  const colon = message.lastIndexOf(':');
  const path = message.slice(at + 4, colon);
  const line = message.slice(colon + 1);
  if (at < 0 || colon < at + 5 || !path.startsWith('/') || !/^\d{1,9}$/u.test(line)) return { text: message };
  return { text: message.slice(0, at), path, line: Number(line) };
}

/** `(13: Permission denied)`, musl's `(13: Permission denied)`, OpenSSL's `system library::Permission denied`, and errno 1. */
function isRefusal(message: string): boolean {
  return message.includes('(13: ') || message.includes('(1: ') || message.includes('Permission denied') || message.includes('Operation not permitted');
}
