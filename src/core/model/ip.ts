/**
 * One text for each IP address: IPv6 in lower case with all eight groups, an IPv4 address within one as IPv4. nginx and glibc
 * shorten the same address in different ways. What is no address stays as it is.
 */
export function plainIp(text: string): string {
  if (!text.includes(':') || text.length > 64) return text;
  const [bare = ''] = text
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .split('%', 1);
  const halves = withHexTail(bare).split('::');
  if (halves.length > 2) return text;
  const [head = [], tail] = halves.map(half => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 0) return text;
  const groups = [...head, ...Array.from({ length: missing }, () => '0'), ...(tail ?? [])];
  if (!groups.every(group => /^[\da-f]{1,4}$/.test(group))) return text;
  const values = groups.map(group => Number.parseInt(group, 16));
  const [high = 0, low = 0] = values.slice(6);
  if (values.slice(0, 5).every(value => value === 0) && values[5] === 0xff_ff) return [high >> 8, high & 255, low >> 8, low & 255].join('.');
  return values.map(value => value.toString(16)).join(':');
}

/** `::ffff:192.0.2.1` → `::ffff:c000:201`. */
function withHexTail(text: string): string {
  const at = text.lastIndexOf(':');
  const bytes = text
    .slice(at + 1)
    .split('.')
    .map(Number);
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  if (bytes.length !== 4 || bytes.some(byte => !Number.isInteger(byte) || byte < 0 || byte > 255)) return text;
  return `${text.slice(0, at + 1)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}
