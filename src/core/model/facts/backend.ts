import type { Address } from '../host.ts';
import type { WireProtocol } from '../probe.ts';

/** A value with where it was read. */
export interface Sourced<T> {
  readonly value: T;
  /** `file:/etc/php/8.2/fpm/pool.d/www.conf:115`, `argv of 812`, `default of gunicorn`. */
  readonly source: string;
  /** The whole line of that file, where the value stands on one line: what a plan that changes it replaces. */
  readonly text?: string;
}

/** A php-fpm pool as its files say. */
export interface PhpFpmPool {
  readonly name: string;
  readonly path: string;
  readonly line: number;
  readonly listen?: Sourced<Address>;
  readonly values: Readonly<Record<string, Sourced<string>>>;
  /** Of the master that runs it, where one runs. */
  readonly masterPid?: number;
  readonly mainConfig: string;
  readonly errorLog?: string;
}

export interface PhpFpmPools {
  readonly pools: readonly PhpFpmPool[];
  readonly unread: readonly { readonly path: string; readonly why: string }[];
  /** Settings of the `[global]` sections, by main config path. */
  readonly globals: Readonly<Record<string, Readonly<Record<string, Sourced<string>>>>>;
}

export type ServiceKind =
  | 'php-fpm'
  | 'gunicorn'
  | 'uwsgi'
  | 'tomcat'
  | 'java'
  | 'node'
  | 'puma'
  | 'unicorn'
  | 'uvicorn'
  | 'nginx'
  | 'apache'
  | 'haproxy'
  | 'other';

/** A backend that runs here or should: found by what runs, what listens, and what units and pool files say. */
export interface Service {
  /** Stable in one report: `php-fpm:www`, `unit:api.service`, `pid:812`. */
  readonly id: string;
  readonly kind: ServiceKind;
  /** For people: `php-fpm pool www`, `gunicorn (shop.service)`. */
  readonly name: string;
  readonly unit?: string;
  /** Id of the program as which pm2 or supervisord keeps it running; `unit` is then the manager's own. */
  readonly program?: string;
  readonly masterPid?: number;
  readonly workerPids: readonly number[];
  /** What it listens on now. */
  readonly listening: readonly Address[];
  /** What its configuration says it should listen on. */
  readonly configuredListen: readonly Sourced<Address>[];
  /** The protocol it speaks, by its kind and configuration (a probe may say otherwise). */
  readonly speaks?: WireProtocol;
  readonly manager?: 'static' | 'dynamic' | 'ondemand' | 'prefork' | 'threads' | 'event-loop';
  /** Requests it can work on at once. */
  readonly workersMax?: Sourced<number>;
  /** Its own watchdog's limit for one request. 0 = off. */
  readonly requestTimeoutMs?: Sourced<number>;
  readonly backlog?: Sourced<number>;
  readonly configFiles: readonly string[];
  readonly logFiles: readonly string[];
}

/** A configuration file that a backend was given on its command line. A setting given again carries an index: `socket`, `socket[1]`. */
export interface BackendConfig {
  readonly path: string;
  readonly kind: ServiceKind;
  readonly values: Readonly<Record<string, Sourced<string>>>;
}

/** What the command line of a running process, or of a unit's ExecStart, says about a backend. */
export interface BackendCommand {
  readonly of: { readonly kind: 'process'; readonly pid: number } | { readonly kind: 'unit'; readonly unit: string };
  readonly service: ServiceKind;
  /** By its title, where it has one that tells; `any` where only the process tree can say. */
  readonly role: 'master' | 'worker' | 'any';
  /** The application, script or pool that the command line or the title names. */
  readonly app?: string;
  readonly listen: readonly { readonly address: Sourced<Address>; readonly speaks?: WireProtocol }[];
  /** Settings by their long option names, from the command line and the files it names. */
  readonly values: Readonly<Record<string, Sourced<string>>>;
  readonly configFiles: readonly string[];
  /** The process runs in a container: its paths and addresses are not this host's. */
  readonly inContainer?: boolean;
}

export interface BackendConfigs {
  readonly commands: readonly BackendCommand[];
  readonly files: readonly BackendConfig[];
  readonly unread: readonly { readonly path: string; readonly why: string }[];
}

/** One telling line of a backend's own log or journal. */
export interface BackendEvent {
  readonly serviceId: string;
  readonly kind:
    | 'pool-full'
    | 'request-killed'
    | 'worker-signal'
    | 'worker-exit'
    | 'worker-recycled'
    | 'out-of-memory'
    | 'too-many-open-files'
    | 'fork-failed'
    | 'listen-queue-full'
    | 'request-too-big'
    | 'boot-failed'
    | 'address-in-use'
    | 'started'
    | 'stopped'
    /** systemd: the unit's processes ended without an error; nobody need have asked for it. */
    | 'ended'
    /** systemd starts the unit again by itself. */
    | 'restarting'
    | 'slow-request'
    | 'app-error'
    | 'dependency-error';
  readonly timeMs: number;
  readonly text: string;
  /** `file:/var/log/php8.2-fpm.log:12`, `journal:shop.service`. */
  readonly source: string;
  readonly pid?: number;
  readonly signal?: number;
  /** How long the request had been worked on; of a `worker-recycled`, how long the worker then took to be gone, where the log says so. */
  readonly seconds?: number;
  readonly uri?: string;
  /** An address that the line names (`connect to 127.0.0.1:5432`). */
  readonly address?: string;
}

/** How busy a service is, sampled more than once. */
export interface ServiceLoad {
  readonly serviceId: string;
  readonly workers: number;
  /** Workers seen busy in every sample / in at least one. */
  readonly busyAlways: number;
  readonly busyEver: number;
  /** Longest accept queue of its listeners in each sample. */
  readonly queue: readonly number[];
  readonly backlog: number;
  /** Of servers with threads: connections that were accepted and that nobody has read, in each sample. They wait for a thread. */
  readonly unread?: readonly number[];
  /** Connections that the kernel dropped before its TCP listeners, since these were opened and while it was sampled. */
  readonly drops?: { readonly sinceOpened: number; readonly meanwhile: number };
  /** Of servers whose processes each run one loop: how many of these were busy with something else than waiting for events in every sample, and what waited beside one request each. Only where this user may see what they sleep in. */
  readonly loops?: { readonly heldUp: number; readonly waiting: readonly number[] };
  /** How it is known: status page, connections held by workers, CPU and wait channel. */
  readonly how: string;
  readonly pssPerWorkerBytes?: number;
  /** Process states of its workers in the last sample (`S`, `R`, `T`, `D`), counted. */
  readonly states?: Readonly<Record<string, number>>;
  /** Kernel functions its workers sleep in (`inet_csk_accept`), counted; only where this user may read them. */
  readonly waits?: Readonly<Record<string, number>>;
  /** CPU time its workers used between the first and the last sample, and the time between these. */
  readonly cpuMs?: number;
  readonly sampledMs?: number;
  /** Connections that its workers held in the first sample and no longer in the last one: what was finished in that time. */
  readonly finished?: number;
}
