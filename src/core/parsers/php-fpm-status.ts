/**
 * php-fpm's status page in its text and JSON forms, short and `full`.
 * Source: php-src 8.2 sapi/fpm/fpm/fpm_status.c; captured from PHP-FPM 8.2.35. Sample:
 *
 *   pool:                 www
 *   process manager:      dynamic
 *   listen queue:         0
 *   active processes:     3
 */

/** One child of the `full` page. `durationMs` is of the running or the last request. */
export interface PhpFpmStatusProcess {
  readonly pid: number;
  /** `Idle`, `Running`, `Reading headers`, `Getting request informations`, `Ending`, `Finishing`. */
  readonly state: string;
  readonly requests: number;
  readonly durationMs: number;
  readonly method: string;
  readonly uri: string;
  readonly script: string;
}

export interface PhpFpmStatus {
  readonly pool: string;
  readonly processManager: string;
  readonly startedSeconds: number;
  readonly acceptedConnections: number;
  readonly listenQueue: number;
  readonly maxListenQueue: number;
  readonly listenQueueLength: number;
  readonly idle: number;
  readonly active: number;
  readonly total: number;
  readonly maxActive: number;
  readonly maxChildrenReached: number;
  readonly slowRequests: number;
  readonly processes: readonly PhpFpmStatusProcess[];
}

type Fields = ReadonlyMap<string, string>;

const maxProcesses = 10_000;

/** Reads a status page's body; `undefined` where it is none (an error page, HTML, another server's answer). */
export function parsePhpFpmStatus(body: string): PhpFpmStatus | undefined {
  const text = body.trim();
  return text.startsWith('{') ? fromJson(text) : fromText(text);
}

function fromText(text: string): PhpFpmStatus | undefined {
  const blocks: Map<string, string>[] = [new Map()];
  for (const line of text.split('\n')) {
    if (line.startsWith('****')) {
      if (blocks.length > maxProcesses) break;
      blocks.push(new Map());
    }
    const colon = line.indexOf(':');
    if (colon > 0) blocks[blocks.length - 1]?.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  const [head = new Map<string, string>(), ...rest] = blocks;
  return build(head, rest);
}

function fromJson(text: string): PhpFpmStatus | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(parsed)) return undefined;
  const list = parsed['processes'];
  return build(fieldsOf(parsed), Array.isArray(list) ? list.slice(0, maxProcesses).map(fieldsOf) : []);
}

function build(head: Fields, processes: readonly Fields[]): PhpFpmStatus | undefined {
  const pool = head.get('pool');
  if (pool === undefined || !head.has('process manager') || !head.has('active processes')) return undefined;
  return {
    pool,
    processManager: head.get('process manager') ?? '',
    startedSeconds: count(head, 'start since'),
    acceptedConnections: count(head, 'accepted conn'),
    listenQueue: count(head, 'listen queue'),
    maxListenQueue: count(head, 'max listen queue'),
    listenQueueLength: count(head, 'listen queue len'),
    idle: count(head, 'idle processes'),
    active: count(head, 'active processes'),
    total: count(head, 'total processes'),
    maxActive: count(head, 'max active processes'),
    maxChildrenReached: count(head, 'max children reached'),
    slowRequests: count(head, 'slow requests'),
    processes: processes.map(fields => ({
      pid: count(fields, 'pid'),
      state: fields.get('state') ?? '',
      requests: count(fields, 'requests'),
      durationMs: count(fields, 'request duration') / 1000,
      method: fields.get('request method') ?? '',
      uri: fields.get('request uri') ?? '',
      script: fields.get('script') ?? '',
    })),
  };
}

function count(fields: Fields, key: string): number {
  const value = Number(fields.get(key));
  return Number.isFinite(value) ? value : 0;
}

function fieldsOf(value: unknown): Fields {
  const fields = new Map<string, string>();
  if (isRecord(value)) {
    for (const [key, item] of Object.entries(value)) {
      if (typeof item === 'string' || typeof item === 'number') fields.set(key.toLowerCase(), String(item));
    }
  }
  return fields;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
