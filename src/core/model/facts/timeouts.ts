import type { Address } from '../host.ts';
import type { Sourced } from './backend.ts';

/** Another proxy of this host, as its files say what it passes on and how long it waits for the answer. */
export interface OtherProxy {
  readonly kind: 'haproxy' | 'apache';
  readonly pid: number;
  readonly passes: readonly ProxyPass[];
  readonly unread: readonly { readonly path: string; readonly why: string }[];
}

/** One place that passes requests on. */
export interface ProxyPass {
  /** For people: `HAProxy backend shop`, `Apache ProxyPass /shop`. */
  readonly name: string;
  readonly targets: readonly ProxyTarget[];
  /** Longest silence while it waits for an answer, and where a target sets none of its own. 0 = for ever. */
  readonly waitMs?: Sourced<number>;
  readonly connectMs?: Sourced<number>;
  /** Prefix of the paths that it takes, where that is known. */
  readonly path?: string;
}

export interface ProxyTarget {
  readonly address: Address;
  readonly waitMs?: Sourced<number>;
}

/** Time limits in the files of what runs behind nginx and has no fact of its own. */
export interface RuntimeLimits {
  /** php.ini of each php-fpm by its main configuration file. Values as they are written. */
  readonly php: Readonly<Record<string, Readonly<Record<string, Sourced<string>>>>>;
  readonly databases: readonly DatabaseLimits[];
}

/** Limits that a database of this host puts on a statement, whoever sends it. */
export interface DatabaseLimits {
  /** `PostgreSQL`, `MySQL or MariaDB`. */
  readonly name: string;
  readonly pid: number;
  /** By the setting's name, in milliseconds. 0 = off. */
  readonly limits: Readonly<Record<string, Sourced<number>>>;
}

/**
 * What a limit counts. `silence`: the time between two reads. `request`: one request from its start to its end. `tries`: all
 * tries of a request together. `cpu`: computing alone, no waiting. `arrival`: how long a request may take to come in. `worker`:
 * how long a worker may stay silent, however many requests it has. `async`: a request that was handed to another thread.
 */
export type TimeoutCounts = 'connect' | 'send' | 'silence' | 'request' | 'tries' | 'cpu' | 'arrival' | 'statement' | 'idle' | 'worker' | 'async';

/** One limit on the way of a request. */
export interface TimeoutLink {
  /** Who gives up: from the outermost to the innermost. */
  readonly part: 'front' | 'client' | 'nginx' | 'backend' | 'database';
  /** `nginx`, `HAProxy backend shop`, `php-fpm pool www`. */
  readonly who: string;
  readonly setting: string;
  /** 0 = no limit. */
  readonly ms: number;
  readonly counts: TimeoutCounts;
  /** In the words of evidence: `config:/etc/nginx/nginx.conf:12`, `file:…:5`, `argv of 812`, `default of nginx 1.22.1`. */
  readonly source: string;
  /** The line as it stands there; for a default, as it would. */
  readonly text: string;
  /** A person wrote it down: it is no default. */
  readonly isSet: boolean;
  /** Of a front that is an nginx too: the location there, and the peer by which it means this one. */
  readonly front?: { readonly routeId: string; readonly peerId: string };
}

/** An outer link that gives up before an inner one does. */
export interface Inversion {
  readonly outer: TimeoutLink;
  readonly inner: TimeoutLink;
}

/** The limits on the way of a request through one location to one peer. */
export interface TimeoutChain {
  readonly routeId: string;
  readonly peerId: string;
  /** From the client inwards. */
  readonly links: readonly TimeoutLink[];
  readonly inversions: readonly Inversion[];
}
