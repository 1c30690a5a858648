/**
 * "The thing that I need is not there", as runtimes and client libraries say it. Captured: Node 20.20, Python 3.11,
 * Ruby 3.1; the others (Go, Java, libpq, MySQL, redis-py, PDO) from their sources. Samples:
 *
 *   Error: connect ECONNREFUSED 127.0.0.1:5432
 *   connection to server at "127.0.0.1", port 5432 failed: Connection refused
 *   dial tcp 10.0.0.7:6379: connect: connection refused
 */

const markers = [
  'connect econnrefused',
  'connect etimedout',
  'connect ehostunreach',
  'connect enoent',
  'getaddrinfo e',
  'connection refused',
  'connectionrefused',
  "can't connect to",
  'could not connect to',
  'could not translate host name',
  'name or service not known',
  'max retries exceeded with',
  'no route to host',
  'econnrefused',
];

const quotedPort = /["']([A-Za-z0-9._:-]{1,253})["'](?: \([0-9a-f.:]{1,45}\))?(?:,| and accepting TCP\/IP connections on)? port[= ](\d{1,5})/;
const keywordPort = /host=["']([A-Za-z0-9._:-]{1,253})["'], port=(\d{1,5})/;
const plainPort = /(?:^|[\s('"/@=])(\[[0-9a-fA-F:]{2,45}\]|::1|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})):(\d{1,5})(?=$|[\s.,;:)'"/\]])/;
const lookup = /getaddrinfo E[A-Z_]{3,20} ([A-Za-z0-9._-]{1,253})(?::(\d{1,5}))?/;
const socketPath = /(?:connect E[A-Z]{3,20} |through socket ["']|on socket ["'])(\/[^\s"']{1,200})/;

/** What the line says could not be reached; `address` is missing where it does not say. `undefined` for other lines. */
export function findDependencyError(text: string): { readonly address?: string } | undefined {
  const line = text.slice(0, 2000);
  const lower = line.toLowerCase();
  if (!markers.some(marker => lower.includes(marker))) return undefined;
  const named = lookup.exec(line);
  if (named !== null) return { address: named[2] === undefined ? (named[1] ?? '') : `${named[1]}:${named[2]}` };
  const path = socketPath.exec(line);
  if (path !== null) return { address: `unix:${path[1]}` };
  const match = quotedPort.exec(line) ?? keywordPort.exec(line) ?? plainPort.exec(line);
  if (match === null || Number(match[2]) > 65_535) return {};
  const host = match[1] ?? '';
  return { address: host.includes(':') && !host.startsWith('[') ? `[${host}]:${match[2]}` : `${host}:${match[2]}` };
}

/** `('127.0.0.1', 9700)` of Python, `127.0.0.1:9501`, or `/run/x.sock`, where the text has one. */
export function findAddress(text: string): string | undefined {
  const line = text.slice(0, 2000);
  const tuple = /\('([^'\s]{1,253})', (\d{1,5})/.exec(line);
  if (tuple !== null) return tuple[1]?.includes(':') === true ? `[${tuple[1]}]:${tuple[2]}` : `${tuple[1]}:${tuple[2]}`;
  const ruby = quotedPort.exec(line);
  if (ruby !== null) return `${ruby[1]}:${ruby[2]}`;
  const plain = plainPort.exec(line);
  if (plain !== null && Number(plain[2]) <= 65_535) return `${plain[1]}:${plain[2]}`;
  const path = /(?:^|[\s'":])(\/[^\s'":,]{1,200})/.exec(line);
  return path === null ? undefined : `unix:${path[1]}`;
}
