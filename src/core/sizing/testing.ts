import { absent, known } from '../model/fact.ts';
import type { Facts } from '../model/facts.ts';
import type { CollectContext } from '../model/collector.ts';
import { sizeHost } from './size-host.ts';
import type { Fix } from '../model/fix.ts';
import type { SizedPool, SizeReport } from '../model/size-report.ts';

export const mebibyte = 2 ** 20;
export const nowMs = 1_795_246_200_000;
const context: CollectContext = { sinceMs: nowMs - 900_000, nowMs, clock: { nowMs, zone: 'UTC', offsetMinutes: 0 }, probing: false };

/** A pool of one kind with everything that a sizing looks at, in the words of the facts. */
export interface TestPool {
  readonly name: string;
  readonly kind?: string;
  readonly manager?: string;
  readonly limit?: number;
  readonly workers?: number;
  readonly pssMiB?: number;
  readonly rssMiB?: number;
  readonly threads?: number;
  readonly busy?: number;
  readonly queue?: readonly number[];
  readonly cpuMs?: number;
  /** Requests at once and requests in all, by the backend's own time. */
  readonly log?: readonly [peak: number, requests: number];
  readonly saidFull?: number;
  readonly unit?: string;
}

/** A host with these pools; `change` replaces whole facts. */
export function factsOf(
  memory: { readonly totalMiB: number; readonly availableMiB: number } | undefined,
  pools: readonly TestPool[],
  change: Readonly<Record<string, unknown>> = {},
): Facts {
  const pidsOf = (index: number): readonly number[] => Array.from({ length: pools[index]?.workers ?? 4 }, (_, nth) => 1000 * (index + 1) + nth + 1);
  const given: Record<string, unknown> = {
    'host-identity': { hostname: 'web1', user: 'root', cpus: 4 },
    resources: {
      ...(memory === undefined
        ? {}
        : { memory: { totalBytes: memory.totalMiB * mebibyte, availableBytes: memory.availableMiB * mebibyte, swapTotalBytes: 0, swapFreeBytes: 0 } }),
      sysctl: {},
      netCounterGrowth: {},
    },
    'control-groups': [],
    'systemd-units': [],
    'backend-configs': { commands: [], files: [], unread: [] },
    'php-fpm-pools': { pools: [], unread: [], globals: {} },
    services: pools.map(({ name, kind = 'php-fpm', manager = 'dynamic', limit, unit }, index) => ({
      id: `php-fpm:${name}`,
      kind,
      name,
      manager,
      masterPid: 1000 * (index + 1),
      workerPids: pidsOf(index),
      listening: [{ kind: 'tcp', host: '127.0.0.1', port: 9000 + index }],
      configuredListen: [],
      configFiles: [],
      logFiles: [],
      ...(limit === undefined ? {} : { workersMax: { value: limit, source: `file:/etc/pool/${name}.conf:3`, text: `pm.max_children = ${limit}` } }),
      ...(unit === undefined ? {} : { unit }),
    })),
    processes: pools.flatMap(({ rssMiB = 60, threads = 1, unit }, index) => [
      { pid: 1000 * (index + 1), state: 'S', startMs: nowMs - 9_000_000, rssBytes: mebibyte, threads: 1, argv: [] },
      ...pidsOf(index).map(pid => ({ pid, state: 'S', startMs: nowMs - 9_000_000, rssBytes: rssMiB * mebibyte, threads, argv: [], unit })),
    ]),
    'process-details': pools.flatMap(({ pssMiB }, index) => (pssMiB === undefined ? [] : pidsOf(index).map(pid => ({ pid, pssBytes: pssMiB * mebibyte })))),
    'service-load': pools.map(({ name, workers = 4, limit, manager, busy = 1, queue = [0, 0, 0], cpuMs = 30 }) => ({
      serviceId: `php-fpm:${name}`,
      workers: manager === 'threads' ? (limit ?? workers) : workers,
      busyAlways: busy,
      busyEver: busy,
      queue,
      backlog: 511,
      how: '',
      cpuMs,
      sampledMs: 300,
      states: { S: workers },
    })),
    topology: {
      servers: [],
      routes: [],
      groups: [],
      peers: pools.map(({ name }, index) => ({
        id: `127.0.0.1:${9000 + index}`,
        address: { kind: 'tcp', host: '127.0.0.1', port: 9000 + index },
        serviceId: `php-fpm:${name}`,
        groupIds: [],
      })),
    },
    'nginx-access-log': {
      total: 0,
      byPeer: [],
      buckets: { all: { widthMs: 1, starts: [], counts: [] }, failed: { widthMs: 1, starts: [], counts: [] } },
      inWork: {
        peers: pools.flatMap(({ log }, index) =>
          log === undefined
            ? []
            : [
                {
                  peer: `127.0.0.1:${9000 + index}`,
                  by: 'upstream',
                  servers: [],
                  requests: log[1],
                  busyMs: log[1] * 100,
                  peak: log[0],
                  peakMs: nowMs - 60_000,
                  slotMs: 1000,
                  peakRate: 1,
                },
              ],
        ),
      },
    },
    'backend-events': pools.flatMap(({ name, saidFull = 0 }) =>
      Array.from({ length: saidFull }, (_, index) => ({
        serviceId: `php-fpm:${name}`,
        kind: 'pool-full',
        timeMs: nowMs - index * 1000,
        text: 'x',
        source: 'y',
      })),
    ),
    ...change,
  };
  return new Proxy({} as Facts, { get: (_, id) => (given[String(id)] === undefined ? absent('not given') : known(given[String(id)])) });
}

/** Sizes it, with these fixes for the plans. */
export function sized(facts: Facts, fixes: readonly Fix[] = []): SizeReport & { readonly pool: SizedPool } {
  const report = sizeHost({ facts, context, fixes, titles: new Map(), hostName: 'local', version: '0', durationMs: 1, internalErrors: [] });
  const [pool] = report.pools;
  if (pool === undefined) throw new Error('no pool was sized');
  return { ...report, pool };
}
