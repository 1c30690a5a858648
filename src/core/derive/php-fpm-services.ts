import type { PhpFpmPool, PhpFpmPools, Service, Sourced } from '../model/facts/backend.ts';
import type { Listener, ProcessInfo, SystemdUnit } from '../model/facts/system.ts';
import { isBoundTo, uniqueAddresses } from './service-listen.ts';
import { poolSettings } from './service-settings.ts';

const workerMark = 'php-fpm: pool ';
const masterMark = 'php-fpm: master process';

/** One service a pool: those that run, by their workers' titles, and those that files name. */
export function poolServices(
  fact: PhpFpmPools,
  processes: readonly ProcessInfo[],
  listeners: readonly Listener[],
  units: readonly SystemdUnit[],
): readonly Service[] {
  const workers = processes.filter(process => process.state !== 'Z' && (process.argv[0] ?? '').startsWith(workerMark));
  const masters = processes.filter(process => (process.argv[0] ?? '').startsWith(masterMark));
  const services: Service[] = [];
  const claimed = new Set<Listener>();
  for (const pool of fact.pools) {
    const all = workers.filter(worker => worker.ppid === pool.masterPid);
    const own = workers.filter(worker => poolName(worker) === pool.name && worker.ppid === pool.masterPid);
    const master = masters.find(process => process.pid === pool.masterPid);
    const held = listenersOf(pool, own, listeners);
    for (const listener of held) claimed.add(listener);
    const service = serviceOf(pool, master, own, held, unitOf(pool, master, units));
    services.push(withSharedLimit(service, fact.globals[pool.mainConfig]?.['process.max'], all.length));
  }
  return [...services.map(service => withLeftover(service, services, listeners, claimed)), ...unknownPools(fact, workers, masters, listeners)];
}

function serviceOf(
  pool: PhpFpmPool,
  master: ProcessInfo | undefined,
  workers: readonly ProcessInfo[],
  held: readonly Listener[],
  unit: string | undefined,
): Service {
  const settings = poolSettings(pool);
  const measured = held.find(listener => listener.backlog >= 0)?.backlog;
  return {
    id: `php-fpm:${pool.name}`,
    kind: 'php-fpm',
    name: `php-fpm pool ${pool.name}`,
    ...(unit === undefined ? {} : { unit }),
    ...(master === undefined ? {} : { masterPid: master.pid }),
    workerPids: workers.map(worker => worker.pid),
    listening: uniqueAddresses(held),
    configuredListen: pool.listen === undefined ? [] : [pool.listen],
    speaks: 'fastcgi',
    ...(measured === undefined ? {} : { backlog: { value: measured, source: 'listening socket' } }),
    ...settings,
    configFiles: [...new Set([pool.path, pool.mainConfig])],
    logFiles: logFilesOf(pool),
  };
}

/**
 * `process.max` holds for the children of all pools together. Where it is used up, it is what keeps a pool from its own number, and
 * the limit is what the pool has now. php-fpm.conf(5): "The maximum number of processes FPM will fork".
 */
function withSharedLimit(service: Service, shared: Sourced<string> | undefined, running: number): Service {
  const most = Number(shared?.value);
  const own = service.workerPids.length;
  const isUsedUp = shared !== undefined && Number.isInteger(most) && most > 0 && running >= most;
  return isUsedUp && own > 0 && own < (service.workersMax?.value ?? own) ? { ...service, workersMax: { ...shared, value: own } } : service;
}

/** Sockets that the pool's workers hold; where nobody's owner is known, or no worker runs, those at its configured address. */
function listenersOf(pool: PhpFpmPool, workers: readonly ProcessInfo[], listeners: readonly Listener[]): readonly Listener[] {
  const pids = new Set(workers.map(worker => worker.pid));
  const held = listeners.filter(listener => listener.pids.some(pid => pids.has(pid)));
  if (held.length > 0 || pool.masterPid === undefined || pool.listen === undefined) return held;
  const { value } = pool.listen;
  return listeners.filter(listener => isBoundTo(listener, value) && (listener.pids.length === 0 || listener.pids.includes(pool.masterPid ?? -1)));
}

/** The file may have been changed since the start: the one socket of the master that no pool claims belongs to the one pool without any. */
function withLeftover(service: Service, all: readonly Service[], listeners: readonly Listener[], claimed: ReadonlySet<Listener>): Service {
  const { masterPid } = service;
  if (masterPid === undefined || service.listening.length > 0) return service;
  const silent = all.filter(one => one.masterPid === masterPid && one.listening.length === 0);
  const left = listeners.filter(listener => listener.pids.includes(masterPid) && !claimed.has(listener));
  return silent.length === 1 && left.length > 0 ? { ...service, listening: uniqueAddresses(left) } : service;
}

/** Pools that run from files that could not be read, or that are no longer there. */
function unknownPools(fact: PhpFpmPools, workers: readonly ProcessInfo[], masters: readonly ProcessInfo[], listeners: readonly Listener[]): readonly Service[] {
  const groups = new Map<string, ProcessInfo[]>();
  for (const worker of workers) {
    const name = poolName(worker);
    if (fact.pools.some(pool => pool.name === name && pool.masterPid === worker.ppid)) continue;
    const key = `${worker.ppid} ${name}`;
    groups.set(key, [...(groups.get(key) ?? []), worker]);
  }
  return [...groups.values()].map(members => {
    const first = members[0];
    const master = masters.find(process => process.pid === first?.ppid);
    const pids = new Set(members.map(member => member.pid));
    const held = listeners.filter(listener => listener.pids.some(pid => pids.has(pid)));
    const backlog = held.find(listener => listener.backlog >= 0)?.backlog;
    const name = first === undefined ? '' : poolName(first);
    return {
      id: `php-fpm:${name}`,
      kind: 'php-fpm',
      name: `php-fpm pool ${name}`,
      ...(master?.unit?.endsWith('.service') === true ? { unit: master.unit } : {}),
      ...(master === undefined ? {} : { masterPid: master.pid }),
      workerPids: [...pids],
      listening: uniqueAddresses(held),
      configuredListen: [],
      speaks: 'fastcgi',
      ...(backlog === undefined ? {} : { backlog: { value: backlog, source: 'listening socket' } }),
      configFiles: [],
      logFiles: [],
    };
  });
}

/** The unit of the running master; for a stopped one, the unit whose command names the same main file or version. */
function unitOf(pool: PhpFpmPool, master: ProcessInfo | undefined, units: readonly SystemdUnit[]): string | undefined {
  if (master?.unit?.endsWith('.service') === true) return master.unit;
  if (master !== undefined) return undefined;
  const fpm = units.filter(unit => /php-?[\d.]*-?fpm/.test(unit.execStart ?? '') || /php[\d.]*-?fpm/.test(unit.name));
  const byFile = fpm.find(unit => (unit.execStart ?? '').includes(pool.mainConfig));
  if (byFile !== undefined) return byFile.name;
  const version = /\/php\/?(\d+(?:\.\d+)?)\//.exec(pool.mainConfig)?.[1];
  const plain = fpm.filter(unit => !/-(?:y|-fpm-config)[ =]/.test(unit.execStart ?? ''));
  return (version === undefined ? (plain.length === 1 ? plain[0] : undefined) : fpm.find(unit => unit.name.includes(version)))?.name;
}

function logFilesOf(pool: PhpFpmPool): readonly string[] {
  const paths = [pool.errorLog, pool.values['slowlog']?.value, pool.values['php_admin_value[error_log]']?.value ?? pool.values['php_value[error_log]']?.value];
  return [...new Set(paths.filter(path => path !== undefined && path.startsWith('/')))].filter(path => path !== undefined);
}

function poolName(worker: ProcessInfo): string {
  return (worker.argv[0] ?? '').slice(workerMark.length).trim();
}
