import { linesOf, wordsOf } from './text.ts';

/**
 * The addresses in the order of getaddrinfo, from `getent ahosts NAME` (glibc): one line a socket type, so only the
 * `STREAM` ones count; elsewhere (musl) there are no types. Each address once. Sample (glibc 2.36):
 * ```
 * ::1             STREAM localhost
 * ::1             DGRAM
 * 127.0.0.1       STREAM
 * ```
 */
export function parseGetentAhosts(text: string): readonly string[] {
  const addresses = new Set<string>();
  for (const line of linesOf(text, 1000)) {
    const [address, type] = wordsOf(line, 2);
    if (address === undefined || type === 'DGRAM' || type === 'RAW') continue;
    if (/^[0-9a-fA-F:.]{2,45}(?:%\S{1,15})?$/.test(address)) addresses.add(address);
  }
  return [...addresses];
}
