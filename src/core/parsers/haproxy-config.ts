/**
 * haproxy.cfg as far as it says what is passed on and how long HAProxy waits for the answer.
 * Source: HAProxy 2.6 configuration manual, sections 2.4 (times), 4.1 and 4.2 (`timeout server`, `timeout connect`, `server`,
 * `use-server`, `from`). Sample:
 *
 *   defaults
 *     timeout connect 5000
 *     timeout server  50s
 *   backend shop
 *     server s1 127.0.0.1:8081 check
 */
import type { Sourced } from '../model/facts/backend.ts';
import type { ProxyPass, ProxyTarget } from '../model/facts/timeouts.ts';
import { parseListenAddress } from './listen-address.ts';

const maxLines = 50_000;
const mostPasses = 2000;

interface Section {
  readonly kind: string;
  readonly name: string;
  connect: Sourced<number> | undefined;
  server: Sourced<number> | undefined;
  readonly targets: ProxyTarget[];
}

/** The `backend` and `listen` sections with their servers. `defaults` are handed down to what follows, or by name (`from`). */
export function parseHaproxyConfig(text: string, path: string): readonly ProxyPass[] {
  const found: ProxyPass[] = [];
  const named = new Map<string, Section>();
  let defaults: Section | undefined;
  let section: Section | undefined;
  const end = (): void => {
    if (section !== undefined && found.length < mostPasses) found.push(...passOf(section));
  };
  for (const [index, line] of text.split('\n', maxLines).entries()) {
    const words = wordsOf(line.slice(0, 4096));
    const [first = '', second = ''] = words;
    if (first === '') continue;
    if (isSection(first)) {
      end();
      const from = words.indexOf('from');
      const base = from > 0 ? named.get(words[from + 1] ?? '') : first === 'defaults' ? undefined : defaults;
      section = { kind: first, name: second, connect: base?.connect, server: base?.server, targets: [] };
      if (first === 'defaults') {
        defaults = section;
        named.set(second, section);
      }
    } else if (section !== undefined && first === 'timeout') {
      const ms = haproxyTime(words[2] ?? '');
      const value = ms === undefined ? undefined : { value: ms, source: `file:${path}:${index + 1}`, text: line.trim().slice(0, 400) };
      // A time that is not understood is not the one above either.
      if (second === 'server') section.server = value;
      else if (second === 'connect') section.connect = value;
    } else if (section !== undefined && (first === 'server' || first === 'server-template') && section.targets.length < 500) {
      const address = addressOf(words[first === 'server' ? 2 : 3] ?? '');
      if (address !== undefined) section.targets.push({ address });
    }
  }
  end();
  return found;
}

/** HAProxy's times are milliseconds unless they carry a unit: `5000`, `50s`, `1m`. */
export function haproxyTime(text: string): number | undefined {
  const match = /^(\d{1,12})(us|ms|s|m|h|d)?$/.exec(text);
  if (match === null) return undefined;
  const factor = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] ?? 'ms'] ?? 1;
  return Math.round(Number(match[1]) * factor);
}

function isSection(word: string): boolean {
  return [
    'global',
    'defaults',
    'frontend',
    'backend',
    'listen',
    'peers',
    'resolvers',
    'userlist',
    'mailers',
    'cache',
    'program',
    'http-errors',
    'ring',
  ].includes(word);
}

function passOf({ kind, name, connect, server, targets }: Section): ProxyPass[] {
  if ((kind !== 'backend' && kind !== 'listen') || targets.length === 0) return [];
  return [
    {
      name: `HAProxy ${kind} ${name}`,
      targets,
      ...(server === undefined ? {} : { waitMs: server }),
      ...(connect === undefined ? {} : { connectMs: connect }),
    },
  ];
}

function addressOf(text: string): ProxyTarget['address'] | undefined {
  if (text.includes('$') || text.startsWith('abns@') || text.startsWith('fd@')) return undefined;
  return parseListenAddress(text.replace(/^unix@/, 'unix:').replace(/^ipv[46]@/, ''));
}

/** Words up to a comment; quotes and backslashes take blanks and `#` into a word. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  for (let at = 0; at < line.length; at++) {
    const character = line.charAt(at);
    if (character === '\\' && quote !== "'" && at + 1 < line.length) word += line.charAt(++at);
    else if (quote !== '') {
      if (character === quote) quote = '';
      else word += character;
    } else if (character === '"' || character === "'") quote = character;
    else if (character === '#') break;
    else if (character === ' ' || character === '\t' || character === '\r') {
      if (word !== '') words.push(word);
      word = '';
    } else word += character;
  }
  if (word !== '') words.push(word);
  return words;
}
