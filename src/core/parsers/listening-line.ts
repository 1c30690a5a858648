/**
 * The line in which a server says where it listens. Captured: gunicorn 20.1, uvicorn 0.17, Puma 5.6; Express, Fastify,
 * Spring Boot and Go programs print lines of these forms. Samples:
 *
 *   [2026-11-21 07:31:27 +0000] [18166] [INFO] Listening at: http://127.0.0.1:9201 (18166)
 *   INFO:     Uvicorn running on http://127.0.0.1:9702 (Press CTRL+C to quit)
 *   * Listening on http://0.0.0.0:9502
 *   Server listening on port 3000
 */
import type { Address } from '../model/host.ts';
import { parseListenAddress, parsePort } from './listen-address.ts';

const verbs = /\b(?:listening|listens|running|serving|started|available|bound)\b/i;
const placed = /\b(?:on|at|to)\b:?\s+(?:address\s+)?["']?((?:[a-z]{2,6}:\/\/|unix:)?[[\]A-Za-z0-9.:*_/-]{1,200})/gi;
const ported = /\bport(?:\(s\))?[ :=]{1,3}(\d{1,5})\b/i;

/** The address that the line says the server listens on, if it says so. A port without a host is the host `*`. */
export function parseListeningLine(text: string): Address | undefined {
  const line = text.slice(0, 500);
  const verb = verbs.exec(line);
  if (verb === null) return undefined;
  const rest = line.slice(verb.index);
  for (const match of rest.matchAll(placed)) {
    const word = (match[1] ?? '').replace(/[.,/]+$/, '');
    // A bare number is a port only where the line says so, and `07:30` is a time.
    if (!/[:/]/.test(word) || /^\d{1,2}:\d\d$/.test(word)) continue;
    const address = parseListenAddress(word);
    if (address !== undefined && (address.kind !== 'unix' || word.startsWith('unix:') || word.endsWith('.sock'))) return address;
  }
  const port = parsePort(ported.exec(rest)?.[1] ?? '');
  return port === undefined ? undefined : { kind: 'tcp', host: '*', port };
}
