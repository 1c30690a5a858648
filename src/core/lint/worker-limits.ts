import type { ConfigDirective } from '../model/facts/nginx.ts';
import { own } from './scopes.ts';
import type { LintView } from './view.ts';

/** What a worker process may use, as the file says it. */
export interface WorkerLimits {
  /** Connections to clients and upstreams together; 512 where nothing is written. Undefined where the text is no number. */
  readonly connections: number | undefined;
  readonly connectionsAt: ConfigDirective | undefined;
  readonly files: number | undefined;
  readonly filesAt: ConfigDirective | undefined;
  /** False where a file that was not read may say otherwise. */
  readonly isSure: boolean;
}

const defaultConnections = 512;

export function workerLimits(view: LintView): WorkerLimits {
  const events = view.scopes.find(scope => scope.kind === 'events' && scope.parent === view.main);
  const connectionsAt = events && own(events, 'worker_connections').at(-1);
  const filesAt = own(view.main, 'worker_rlimit_nofile').at(-1);
  return {
    connections: connectionsAt === undefined ? defaultConnections : countOf(connectionsAt),
    connectionsAt,
    files: filesAt && countOf(filesAt),
    filesAt,
    isSure: view.main.isWhole && events?.isWhole !== false,
  };
}

function countOf(directive: ConfigDirective): number | undefined {
  const text = directive.args[0]?.value ?? '';
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
