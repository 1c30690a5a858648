import { findSecrets, redactionMark } from '../redact/find-secrets.ts';
import { isSecretHeader, isSecretQueryKey } from '../redact/secret-names.ts';
import type { TraceRequest } from './trace-request.ts';

const shortest = 4;

/** A value without the secrets that the caller gave, wherever a server has sent them back: in a page, in a redirect, in a field. */
export function hideOwnSecrets<T>(value: T, request: Pick<TraceRequest, 'headers' | 'target' | 'body'>): T {
  const secrets = secretsOf(request);
  return secrets.length === 0 ? value : (walk(value, secrets) as T);
}

/** Of a longer body no more is looked through: it is a file, not a form. */
const maxBodyBytes = 64 * 1024;

function secretsOf({ headers, target, body }: Pick<TraceRequest, 'headers' | 'target' | 'body'>): readonly string[] {
  const found = headers.filter(([name]) => isSecretHeader(name)).flatMap(([name, value]) => partsOf(name, value));
  const query = [...new URL(target.url).searchParams].filter(([key]) => isSecretQueryKey(key)).map(([, value]) => value);
  const form = Buffer.from(body?.subarray(0, maxBodyBytes) ?? []).toString('utf8');
  // A form has its fields as a query has them.
  const inForm = findSecrets(`?${form}`).map(({ start, end }) => form.slice(Math.max(0, start - 1), end - 1));
  const sent = [...findSecrets(form).map(({ start, end }) => form.slice(start, end)), ...inForm];
  const all = [...found, ...query, ...sent, ...sent.map(decoded)].flatMap(text => [text, encodeURIComponent(text)]);
  // The longest first, so that no piece of one is left standing.
  return [...new Set(all)].filter(text => text.length >= shortest).toSorted((a, b) => b.length - a.length);
}

/** The value as a whole, and what a server may make of it: the token, user and password, each cookie. */
function partsOf(name: string, value: string): readonly string[] {
  if (name.toLowerCase() === 'cookie') return [value, ...value.split(';').map(pair => pair.slice(pair.indexOf('=') + 1).trim())];
  const token = /^(?:bearer|basic|token|apikey)\s+(.+)$/i.exec(value)?.[1];
  const password = /^basic\s/i.test(value) && token !== undefined ? Buffer.from(token, 'base64').toString('utf8') : undefined;
  return [value, ...(token === undefined ? [] : [token]), ...(password === undefined ? [] : [password, password.slice(password.indexOf(':') + 1)])];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

function walk(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === 'string') return secrets.reduce((text, secret) => text.replaceAll(secret, redactionMark), value);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(item => walk(item, secrets));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item, secrets)]));
}
