/**
 * gunicorn.conf.py as far as it can be read without running it: assignments of literals at the left margin.
 * Source: gunicorn 20.1 "Configuration File". Sample:
 *
 *   bind = ["127.0.0.1:9203", "unix:/run/shop.sock"]
 *   workers = 3
 *   timeout = 45
 */
import type { Sourced } from '../model/facts/backend.ts';

const maxLines = 5000;
const maxListLines = 50;
/** Names in the file with the long options that they are the same as. */
const optionNames: Readonly<Record<string, string>> = {
  errorlog: 'error-logfile',
  accesslog: 'access-logfile',
  pidfile: 'pid',
  keepalive: 'keep-alive',
  loglevel: 'log-level',
};
/** Those that say something about capacity and addresses, which a condition may set. */
const settings = new Set(['bind', 'workers', 'threads', 'timeout', 'worker-class', 'worker-connections', 'backlog', 'keep-alive']);

/** Takes every name of another module, or runs text: what else is set is not known. */
const opensAnother = /^(?:from[ \t]+\S{1,200}[ \t]+import[ \t]+\*|(?:exec|execfile)[ \t]{0,9}\(|(?:globals|locals|vars)\(\))/;

/**
 * Settings by their long option names. What an expression gives (`cpu_count() * 2 + 1`), or a line that is run on a condition,
 * is not known: its value is empty, and so that of the name `elsewhere` where the file takes settings from another one. Lists
 * are joined by commas.
 */
export function parseGunicornConfig(text: string, path: string): Readonly<Record<string, Sourced<string>>> {
  const values: Record<string, Sourced<string>> = {};
  const lines = text.split('\n', maxLines);
  let isInFunction = false;
  for (let index = 0; index < lines.length; index++) {
    const start = (lines[index] ?? '').slice(0, 2000);
    if (/^[^\s#)\]}]/.test(start)) isInFunction = /^(?:async |def |class |@)/.test(start);
    if (opensAnother.test(start)) values['elsewhere'] = { value: '', source: `file:${path}:${index + 1}` };
    const conditional = isInFunction ? null : /^[ \t]{1,40}([a-z_]{2,40})[ \t]{0,20}=(?!=)/.exec(start);
    if (conditional !== null) {
      const key = optionNames[conditional[1] ?? ''] ?? (conditional[1] ?? '').replaceAll('_', '-');
      if (key in values || settings.has(key)) values[key] = { value: '', source: `file:${path}:${index + 1}` };
    }
    const match = /^([a-z_]{2,40})[ \t]*(?::[ \t]*[a-z]{1,20}[ \t]*)?=(?!=)[ \t]*(\S.*)$/.exec((lines[index] ?? '').slice(0, 2000).trimEnd());
    if (match === null) continue;
    const name = match[1] ?? '';
    let expression = match[2] ?? '';
    const line = index + 1;
    if ((expression.startsWith('[') || expression.startsWith('(')) && !closes(expression)) {
      const end = Math.min(lines.length, index + maxListLines);
      while (index + 1 < end && !closes(expression)) expression += ` ${withoutComment((lines[++index] ?? '').slice(0, 2000)).trim()}`;
    }
    const value = literal(withoutComment(expression).trim());
    const key = optionNames[name] ?? name.replaceAll('_', '-');
    if (value === undefined) values[key] = { value: '', source: `file:${path}:${line}` };
    else values[key] = { value, source: `file:${path}:${line}`, text: (lines[line - 1] ?? '').slice(0, 2000).trimEnd() };
  }
  return values;
}

function literal(expression: string): string | undefined {
  if (/^-?\d{1,15}(?:\.\d{1,9})?$/.test(expression)) return expression;
  if (expression === 'True' || expression === 'False') return expression.toLowerCase();
  const single = /^[rbu]?(?:"([^"\\]*)"|'([^'\\]*)')$/.exec(expression);
  if (single !== null) return single[1] ?? single[2] ?? '';
  if (!/^[[(]/.test(expression) || !/[\])]$/.test(expression)) return undefined;
  const inner = expression.slice(1, -1);
  const items = [...inner.matchAll(/"([^"\\]*)"|'([^'\\]*)'/g)].map(item => item[1] ?? item[2] ?? '');
  // What is left without the strings and commas would have to be computed.
  return /^[\s,]*$/.test(inner.replaceAll(/"[^"\\]*"|'[^'\\]*'/g, '')) && items.length > 0 ? items.join(',') : undefined;
}

function closes(expression: string): boolean {
  const bare = withoutComment(expression).trimEnd();
  return bare.endsWith(']') || bare.endsWith(')');
}

function withoutComment(text: string): string {
  let quote = '';
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index);
    if (quote !== '') quote = character === quote ? '' : quote;
    else if (character === '"' || character === "'") quote = character;
    else if (character === '#') return text.slice(0, index);
  }
  return text;
}
