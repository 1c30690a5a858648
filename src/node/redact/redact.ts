import { findSecrets, redactionMark, type Span } from './find-secrets.ts';
import { isSecretName } from './secret-names.ts';

/** Replaces every secret in a text by `[redacted]`. Lines stay where they are; doing it twice changes nothing. */
export function redactText(text: string): string {
  return replace(text, findSecrets(text), () => redactionMark);
}

/**
 * The same on bytes, and each byte stays at its offset: a secret is overwritten at its own length, so that
 * slices of one file still fit together. Text in any encoding that holds ASCII is understood.
 */
export function redactBytes(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  const spans = findSecrets(text);
  if (spans.length === 0) return bytes;
  return new Uint8Array(Buffer.from(replace(text, spans, fill), 'latin1'));
}

/** Redacts a command line: what `redactText` finds in a word, the word behind `--password`, `mysql -pX`, `curl -u a:b`. */
export function redactArgv(argv: readonly string[]): readonly string[] {
  const program = argv[0]?.split('/').at(-1) ?? '';
  let isSecretNext = false;
  return argv.map((word, index) => {
    if (isSecretNext) {
      isSecretNext = false;
      return redactionMark;
    }
    isSecretNext = index > 0 && takesSecret(program, word) && index + 1 < argv.length;
    if (/^(?:mysql|mariadb)/.test(program) && /^-p./.test(word)) return `-p${redactionMark}`;
    return redactText(word);
  });
}

/** The bytes of /proc/PID/cmdline, words ended by NUL, with `redactArgv` applied. Not length-preserving. */
export function redactCommandLine(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  const result = redactArgv(text.split('\0')).join('\0');
  return result === text ? bytes : new Uint8Array(Buffer.from(result, 'latin1'));
}

/** Redacts every string of a JSON-like value; also what stands under a secret key, and `[name, value]` pairs. */
export function redactDeep<T>(value: T): T {
  return walk(value, 0) as T;
}

// Deeper than any report or recorded answer; a value nested further is cut off rather than let through.
const maxDepth = 64;

function walk(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (depth > maxDepth) return redactionMark;
  if (Array.isArray(value)) {
    const [name, second] = value as unknown[];
    if (value.length === 2 && typeof name === 'string' && typeof second === 'string' && isSecretName(name)) return [name, redactionMark];
    return value.map(item => walk(item, depth + 1));
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, isSecretName(key) ? hide(item, depth + 1) : walk(item, depth + 1)]));
}

/** What stands under a secret key: a string, or the usual `{ value, source }`. */
function hide(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return value === '' ? value : redactionMark;
  if (typeof value === 'object' && value !== null && 'value' in value && typeof value.value === 'string') {
    return { ...(walk(value, depth) as object), value: redactionMark };
  }
  return walk(value, depth);
}

function takesSecret(program: string, word: string): boolean {
  if (/^--?[\w-]+$/.test(word) && isSecretName(word)) return true;
  if (/^(?:curl|wget)$/.test(program)) return word === '-u' || word === '--user' || word === '--proxy-user';
  return program === 'redis-cli' ? word === '-a' : program === 'sshpass' && word === '-p';
}

/** The mark at the secret's own length. */
function fill(span: Span): string {
  const length = span.end - span.start;
  return length >= redactionMark.length ? redactionMark.padEnd(length, '*') : '*'.repeat(length);
}

function replace(text: string, spans: readonly Span[], make: (span: Span) => string): string {
  if (spans.length === 0) return text;
  const parts: string[] = [];
  let at = 0;
  for (const span of spans) {
    parts.push(text.slice(at, span.start), make(span));
    at = span.end;
  }
  parts.push(text.slice(at));
  return parts.join('');
}
