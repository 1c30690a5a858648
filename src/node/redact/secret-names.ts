/** Header fields whose value is a secret as a whole, in lower case with `-`. */
const secretHeaders: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'x-amz-security-token']);

// Words that make a setting's name secret when they end it: DB_PASSWORD, client_secret, X-Auth-Token, SECRET_KEY_BASE.
export const secretWord =
  'passwords?|passwd|passphrase|passcode|pwd|secrets?|token|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|encryption[_-]?key|app[_-]?key|' +
  'auth[_-]?key|signing[_-]?key|credentials?|authorization|cookie|jsessionid|phpsessid';

// What may stand between the word and the end of the name.
export const nameTail = '(?:[_-]?(?:base64|base|b64|hash|v?[0-9]{1,2}))?';

const secretName = new RegExp(`(?:${secretWord}|[_-]pass)${nameTail}$`, 'i');
const passDirective = /^(?:proxy|fastcgi|uwsgi|scgi|grpc|memcached)_pass$/i;
const maxNameLength = 128;

/** Query keys that are secret although the same word elsewhere is not: `?code=…`, never `status=9, code=killed`. */
const secretQueryKeys: ReadonlySet<string> = new Set([
  'auth',
  'authkey',
  'authtoken',
  'bearer',
  'code',
  'hmac',
  'jwt',
  'key',
  'otp',
  'pass',
  'pin',
  'pw',
  'session',
  'session_id',
  'session-id',
  'sessionid',
  'sid',
  'sig',
  'sign',
  'signature',
  'ticket',
]);

/** Whether a setting, variable, header field or JSON key of this name holds a secret. */
export function isSecretName(name: string): boolean {
  if (name.length > maxNameLength || passDirective.test(name)) return false;
  return secretName.test(name.endsWith(']') ? name.slice(0, -1) : name);
}

/** Whether the whole rest of the line belongs to the value, as in `Cookie: a=1; b=2`. */
export function isSecretHeader(name: string): boolean {
  return secretHeaders.has(name.toLowerCase().replaceAll('_', '-'));
}

/** Whether a key of a URL's query holds a secret; the key may be percent-encoded. */
export function isSecretQueryKey(key: string): boolean {
  const plain = decode(key).toLowerCase();
  return secretQueryKeys.has(plain) || plain.startsWith('x-amz-') || isSecretName(plain);
}

function decode(key: string): string {
  if (!key.includes('%')) return key;
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
