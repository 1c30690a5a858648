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
        manager: values['threads'] === undefined ? 'prefork' : 'threads',
        ...optional(
          'workersMax',
          isUnclear(values, 'threads')
            ? undefined
            : product(stated(values, 'processes', 1, 'uWSGI') ?? counted(running), whole(values['threads']) ?? whole(values['async'])),
        ),
        ...optional('requestTimeoutMs', inMs(stated(values, 'harakiri', 0, 'uWSGI'))),
        ...optional('backlog', stated(values, 'listen', 100, 'uWSGI')),
      };
    case 'puma':
      return puma(values, running);
    case 'unicorn':
      return {
        manager: 'prefork',
        ...optional('workersMax', whole(values['workers']) ?? counted(running)),
        ...optional('requestTimeoutMs', inMs(command.configFiles.length === 0 ? whole(values['timeout']) : stated(values, 'timeout', 60, 'unicorn'))),
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
        ...optional('backlog', stated(values, 'backlog', 2048, 'uvicorn')),
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
  const given = (name: string, fallback: number): Sourced<number> | undefined =>
    isBlind || values['elsewhere'] !== undefined ? whole(values[name]) : stated(values, name, fallback, 'gunicorn');
  const workers = whole(values['workers']) ?? counted(running) ?? given('workers', 1);
  const perWorker = isThreaded
    ? threads
    : named.includes('gevent') || named.includes('eventlet')
      ? (whole(values['worker-connections']) ?? { value: 1000, source: 'default of gunicorn' })
      : undefined;
  const times = { ...optional('requestTimeoutMs', inMs(given('timeout', 30))), ...optional('backlog', given('backlog', 2048)) };
  // How many requests a worker takes at once hangs on these two.
  if (isUnclear(values, 'worker-class') || isUnclear(values, 'threads')) return times;
  return {
    manager: isThreaded ? 'threads' : isAsync ? 'event-loop' : 'prefork',
    ...optional('workersMax', named.includes('vicorn') || named.includes('tornado') || workers === undefined ? undefined : product(workers, perWorker)),
    ...times,
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
  const shared = values['connector[0].executor'] === undefined ? 'connector[0].maxThreads' : 'executor[0].maxThreads';
  const hasFile = values['connector[0].port'] !== undefined;
  return {
    manager: 'threads',
    ...optional('workersMax', hasFile ? stated(values, shared, 200, 'Tomcat') : undefined),
    ...optional('backlog', hasFile ? stated(values, 'connector[0].acceptCount', 100, 'Tomcat') : undefined),
  };
}

/** By its processing module; where none is told, a build has one built in, and what it may do at once is not known. */
function apache(values: Values): ServiceSettings {
  const mpm = values['mpm']?.value;
  const asked = whole(values['maxrequestworkers']);
  const processes = stated(values, 'serverlimit', mpm === 'prefork' ? 256 : 16, 'Apache');
  const perProcess = stated(values, 'threadsperchild', 25, 'Apache');
  const most = mpm === 'prefork' ? processes : perProcess === undefined ? undefined : product(processes, perProcess);
  // httpd cuts a larger number to what ServerLimit allows, and says so at its start.
  const isCut = asked === undefined || (most !== undefined && asked.value > most.value);
  const workersMax = isUnclear(values, 'maxrequestworkers') ? undefined : isCut ? most : asked;
  return {
    ...(mpm === undefined ? {} : { manager: mpm === 'prefork' ? ('dynamic' as const) : ('threads' as const), ...optional('workersMax', workersMax) }),
    ...optional('backlog', stated(values, 'listenbacklog', 511, 'Apache')),
  };
}

function counted(running: number): Sourced<number> | undefined {
  return running > 0 ? { value: running, source: 'workers running now' } : undefined;
}

/** The setting; the documented default where it is not set at all; nothing where it is set to what cannot be read. */
function stated(values: Values, name: string, fallback: number, program: string): Sourced<number> | undefined {
  return values[name] === undefined ? { value: fallback, source: `default of ${program}` } : whole(values[name]);
}

/** Set, and to what cannot be known from its text: `$(WORKERS)`, an expression. */
function isUnclear(values: Values, name: string): boolean {
  const value = values[name]?.value.trim();
  return value !== undefined && (name === 'worker-class' ? value === '' : !/^\d{1,9}$/.test(value));
}

function product(a: Sourced<number> | undefined, b: Sourced<number> | undefined): Sourced<number> | undefined {
  return a === undefined || b === undefined || b.value < 1
    ? a
    : { value: a.value * b.value, source: a.source === b.source ? a.source : `${a.source}; ${b.source}` };
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
