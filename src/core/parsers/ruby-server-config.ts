/**
 * config/puma.rb and unicorn.rb as far as they can be read without running them: one call a line, with literals.
 * Sources: Puma 5.6 lib/puma/dsl.rb, unicorn 6 lib/unicorn/configurator.rb. Samples:
 *
 *   bind 'tcp://127.0.0.1:9704'          listen "/run/shop.sock", backlog: 64
 *   threads 1, 5                         worker_processes 4
 */
import type { Sourced } from '../model/facts/backend.ts';
import { freeKey } from './backend-options.ts';

const optionNames: Readonly<Record<string, string>> = {
  worker_processes: 'workers',
  worker_timeout: 'worker-timeout',
  stderr_path: 'error-logfile',
  stdout_path: 'out-logfile',
};
const names = new Set([
  'bind',
  'port',
  'workers',
  'threads',
  'worker_timeout',
  'worker_processes',
  'timeout',
  'listen',
  'stderr_path',
  'stdout_path',
  'directory',
  'working_directory',
  'stdout_redirect',
]);

/** Settings by their long option names; `threads` as `min:max`. What is computed is empty, except the fallback of `ENV.fetch("X", 3)`. */
export function parseRubyServerConfig(text: string, path: string): Readonly<Record<string, Sourced<string>>> {
  const values: Record<string, Sourced<string>> = {};
  for (const [index, full] of text.split('\n', 5000).entries()) {
    const match = /^\s{0,20}([a-z_]{3,30})(?:\s+|\()(\S.*)$/.exec(full.slice(0, 1000).trimEnd());
    const name = match?.[1] ?? '';
    if (match === null || !names.has(name)) continue;
    const source = `file:${path}:${index + 1}`;
    const argumentText = match[2] ?? '';
    const line = full.endsWith('\r') ? full.slice(0, -1) : full;
    const isConditional = / (?:if|unless) /.test(argumentText);
    const backlog = /:?backlog(?::| =>) ?(\d{1,6})/.exec(argumentText)?.[1];
    const value = isConditional ? undefined : name === 'threads' ? threadRange(argumentText) : literal(argumentText);
    const key = freeKey(values, optionNames[name] ?? name.replaceAll('_', '-'));
    // An empty value: it is set, and to what is not known.
    values[key] = value === undefined ? { value: '', source } : { value, source, ...(line.length > 1000 ? {} : { text: line }) };
    if (backlog !== undefined) values['backlog'] = { value: backlog, source };
  }
  return values;
}

function threadRange(text: string): string | undefined {
  const match = /^(\d{1,5}), ?(\d{1,5})/.exec(text);
  return match === null ? undefined : `${match[1]}:${match[2]}`;
}

function literal(text: string): string | undefined {
  const match = /^(?:"([^"#]{0,500})"|'([^']{0,500})'|(\d{1,9})(?=$|[\s,)#]))/.exec(text);
  if (match !== null) return match[1] ?? match[2] ?? match[3];
  const fallback = /^ENV\.fetch\(["']\w{1,60}["'](?:\)\s?\{\s?|, ?)["']?([\w.:/-]{1,200})["']?/.exec(text);
  return fallback?.[1];
}
