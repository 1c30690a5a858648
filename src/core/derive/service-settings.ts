import type { BackendCommand, PhpFpmPool, Service, Sourced } from '../model/facts/backend.ts';

/** What a service's settings say about its capacity and its watchdog. */
export type ServiceSettings = Pick<Service, 'manager' | 'workersMax' | 'requestTimeoutMs' | 'backlog'>;

type Values = BackendCommand['values'];

/** Settings of a php-fpm pool. Its own `request_terminate_timeout` is off unless it is set. */
export function poolSettings(pool: PhpFpmPool): ServiceSettings {
  const manager = pool.values['pm']?.value;
  const children = whole(pool.values['pm.max_children']);
  const terminate = pool.values['request_terminate_timeout'];
  const limit = terminate === undefined ? 0 : seconds(terminate.value);
  return {
    ...(manager === 'static' || manager === 'dynamic' || manager === 'ondemand' ? { manager } : {}),
    ...(children === undefined ? {} : { workersMax: children }),
    ...(limit === undefined ? {} : { requestTimeoutMs: { source: 'default of php-fpm', ...terminate, value: limit * 1000 } }),
    ...optional('backlog', whole(pool.values['listen.backlog'])),
  };
}

/** Settings of a server that is known by its command line and its files. `running` is the number of its workers now. */
export function commandSettings(command: BackendCommand, running: number): ServiceSettings {
  const { values } = command;
  switch (command.service) {
    case 'gunicorn':
      return gunicorn(values, running, command.role !== 'any' && command.configFiles.length === 0);
    case 'uwsgi':
      return {
        manager: whole(values['threads']) === undefined ? 'prefork' : 'threads',
        ...optional(
          'workersMax',
          product(whole(values['processes']) ?? { value: 1, source: 'default of uWSGI' }, whole(values['threads']) ?? whole(values['async'])),
        ),
        requestTimeoutMs: inMs(whole(values['harakiri'])) ?? { value: 0, source: 'default of uWSGI' },
        ...optional('backlog', whole(values['listen']) ?? { value: 100, source: 'default of uWSGI' }),
      };
    case 'puma':
      return puma(values, running);
    case 'unicorn':
      return {
        manager: 'prefork',
        ...optional('workersMax', whole(values['workers']) ?? counted(running)),
        ...optional(
          'requestTimeoutMs',
          inMs(whole(values['timeout'])) ?? (command.configFiles.length === 0 ? undefined : { value: 60_000, source: 'default of unicorn' }),
        ),
        ...optional('backlog', whole(values['backlog'])),
      };
    case 'tomcat':
      return tomcat(values);
    case 'apache':
      return apache(values);
    case 'uvicorn':
      return {
        manager: 'event-loop',
        ...optional('workersMax', whole(values['limit-concurrency'])),
        backlog: whole(values['backlog']) ?? { value: 2048, source: 'default of uvicorn' },
      };
    case 'node':
    case 'nginx':
    case 'haproxy':
      return { manager: 'event-loop' };
    case 'java':
      return { manager: 'threads', ...optional('workersMax', whole(values['server.tomcat.threads.max'])) };
    default:
      return {};
  }
}

/** What an event loop works on has no fixed limit; threads and processes have. `isBlind`: neither options nor files could be read. */
function gunicorn(values: Values, running: number, isBlind: boolean): ServiceSettings {
  const threads = whole(values['threads']);
  const named = values['worker-class']?.value ?? 'sync';
  // gunicorn itself switches sync workers that have threads to gthread.
  const isThreaded = named.includes('gthread') || (named === 'sync' && threads !== undefined && threads.value > 1);
  const isAsync = named.includes('gevent') || named.includes('eventlet') || named.includes('tornado') || named.includes('vicorn');
  const workers = whole(values['workers']) ?? counted(running) ?? (isBlind ? undefined : { value: 1, source: 'default of gunicorn' });
  const perWorker = isThreaded
    ? threads
    : named.includes('gevent') || named.includes('eventlet')
      ? (whole(values['worker-connections']) ?? { value: 1000, source: 'default of gunicorn' })
      : undefined;
  const timeout = inMs(whole(values['timeout']));
  return {
    manager: isThreaded ? 'threads' : isAsync ? 'event-loop' : 'prefork',
    ...optional('workersMax', named.includes('vicorn') || named.includes('tornado') || workers === undefined ? undefined : product(workers, perWorker)),
    ...optional('requestTimeoutMs', timeout ?? (isBlind ? undefined : { value: 30_000, source: 'default of gunicorn' })),
    ...optional('backlog', whole(values['backlog']) ?? (isBlind ? undefined : { value: 2048, source: 'default of gunicorn' })),
  };
}

function puma(values: Values, running: number): ServiceSettings {
  const range = values['threads'];
  const most = range === undefined ? undefined : whole({ value: range.value.slice(range.value.indexOf(':') + 1), source: range.source });
  const workers = whole(values['workers']);
  const processes = workers !== undefined && workers.value > 0 ? workers : (counted(running) ?? { value: 1, source: 'default of Puma' });
  return { manager: 'threads', ...optional('workersMax', most === undefined ? undefined : product(processes, most)) };
}

function tomcat(values: Values): ServiceSettings {
  const first = whole(values['connector[0].maxThreads']) ?? whole(values['executor[0].maxThreads']);
  const hasFile = values['connector[0].port'] !== undefined;
  return {
    manager: 'threads',
    ...optional('workersMax', first ?? (hasFile ? { value: 200, source: 'default of Tomcat' } : undefined)),
    ...optional('backlog', whole(values['connector[0].acceptCount']) ?? (hasFile ? { value: 100, source: 'default of Tomcat' } : undefined)),
  };
}

/** By its processing module; where none is told, a build has one built in, and what it may do at once is not known. */
function apache(values: Values): ServiceSettings {
  const mpm = values['mpm']?.value;
  const asked = whole(values['maxrequestworkers']);
  const perProcess = whole(values['threadsperchild']) ?? { value: 25, source: 'default of Apache' };
  const processes = whole(values['serverlimit']) ?? { value: mpm === 'prefork' ? 256 : 16, source: 'default of Apache' };
  const most = mpm === 'prefork' ? processes : product(processes, perProcess);
  // httpd cuts a larger number to what ServerLimit allows, and says so at its start.
  const workersMax = asked === undefined || asked.value > most.value ? most : asked;
  return {
    ...(mpm === undefined ? {} : { manager: mpm === 'prefork' ? ('dynamic' as const) : ('threads' as const), workersMax }),
    backlog: whole(values['listenbacklog']) ?? { value: 511, source: 'default of Apache' },
  };
}

function counted(running: number): Sourced<number> | undefined {
  return running > 0 ? { value: running, source: 'workers running now' } : undefined;
}

function product(a: Sourced<number>, b: Sourced<number> | undefined): Sourced<number> {
  return b === undefined || b.value < 1 ? a : { value: a.value * b.value, source: a.source === b.source ? a.source : `${a.source}; ${b.source}` };
}

function inMs(value: Sourced<number> | undefined): Sourced<number> | undefined {
  return value === undefined ? undefined : { ...value, value: value.value * 1000 };
}

function whole(value: Sourced<string> | undefined): Sourced<number> | undefined {
  return value === undefined || !/^\d{1,9}$/.test(value.value.trim()) ? undefined : { ...value, value: Number(value.value) };
}

/** `30`, `30s`, `5m`, `2h`, `1d` of php-fpm. */
function seconds(text: string): number | undefined {
  const match = /^(\d{1,9})([smhd]?)$/.exec(text.trim());
  if (match === null) return undefined;
  return (
    Number(match[1]) *
    (new Map([
      ['m', 60],
      ['h', 3600],
      ['d', 86_400],
    ]).get(match[2] ?? '') ?? 1)
  );
}

function optional<K extends string, T>(key: K, value: T | undefined): { [P in K]?: T } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: T });
}
