import { valueOr } from '../model/fact.ts';
import type { NginxInstance } from '../model/facts/nginx.ts';
import type { MessageClass } from '../model/facts/logs.ts';
import type { Facts } from '../model/facts.ts';
import { busiestWorker, mainDirective } from '../model/nginx-limits.ts';
import type { SizedLimit } from '../model/size-report.ts';
import type { PlanFor } from './judge.ts';

/** nginx's own default where no events block names a number. */
const defaultConnections = 512;
/** A worker this full would be over its limit with the next wave of clients. */
const nearlyFull = 0.8;
/** A request that is passed on has a connection to the client and one to the backend. */
const perRequest = 2;

/** The connections and files of the workers of each running nginx. */
export function nginxLimits(facts: Facts, planFor: PlanFor): readonly SizedLimit[] {
  const running = valueOr(facts['nginx-instances'], []).filter(instance => instance.running && instance.workers.length > 0);
  return running.flatMap(instance => limitsOf(instance, facts, planFor));
}

function limitsOf(instance: NginxInstance, facts: Facts, planFor: PlanFor): readonly SizedLimit[] {
  const config = valueOr(facts['nginx-config'], []).find(one => one.instanceId === instance.id);
  const directive = config === undefined ? undefined : mainDirective(config, 'worker_connections');
  const written = Number(directive?.args[0]?.value ?? defaultConnections);
  if (config === undefined || !Number.isInteger(written) || written < 1) return [];
  const busiest = busiestWorker(instance, valueOr(facts['process-details'], []));
  const workers = instance.workers.length;
  const peak = valueOr(facts['nginx-access-log'], undefined)?.inWork?.clients?.peak;
  const byLog = peak === undefined ? undefined : Math.ceil((peak * perRequest) / workers);
  const used = busiest === undefined && byLog === undefined ? undefined : Math.max(busiest?.openFiles ?? 0, byLog ?? 0);
  const reached = countOf(facts, 'worker-connections');
  const outOfFiles = countOf(facts, 'too-many-open-files');
  const source = directive === undefined ? 'default of nginx' : `config:${directive.path}:${directive.line}`;
  const sums = [
    `${workers} workers × ${written} connections / ${perRequest} for a request that is passed on = ${Math.floor((workers * written) / perRequest)} requests at once`,
    ...(peak === undefined ? [] : [`the log shows at most ${Math.round(peak * 10) / 10} requests at once, about ${byLog ?? 0} connections a worker`]),
    ...(busiest === undefined ? [] : [`the busiest worker has ${busiest.openFiles} open files${busiest.limit === undefined ? '' : ` of ${busiest.limit}`}`]),
  ];
  const connectionsShort = reached > 0 || (used !== undefined && used >= written * nearlyFull);
  const plans = connectionsShort ? planFor('nginx-worker-connections-exhausted', 'confirmed', { instance: instance.id, limit: written }) : [];
  const connections: SizedLimit = {
    id: 'worker_connections',
    name: instance.id,
    now: written,
    source,
    ...(used === undefined ? {} : { used }),
    ...(connectionsShort ? recommendedIn(plans, 'worker_connections') : { recommended: written }),
    verdict: connectionsShort ? 'too-small' : used === undefined ? 'unknown' : 'fits',
    because: connectionsShort
      ? reached > 0
        ? `nginx said ${reached} times in the window that ${written} connections a worker were not enough.`
        : `A worker used ${used ?? 0} of ${written} connections.`
      : used === undefined
        ? 'How many connections its workers have could not be read (run as root), and the log format has no $request_time.'
        : `At most ${used} of ${written} connections of a worker were seen in use.`,
    sums,
    plans,
  };
  return [connections, ...filesOf(instance, { written, busiest, outOfFiles, connectionsShort }, planFor)];
}

function filesOf(
  instance: NginxInstance,
  seen: {
    readonly written: number;
    readonly busiest: ReturnType<typeof busiestWorker>;
    readonly outOfFiles: number;
    readonly connectionsShort: boolean;
  },
  planFor: PlanFor,
): readonly SizedLimit[] {
  const { written, busiest, outOfFiles, connectionsShort } = seen;
  const limit = busiest?.limit;
  if (busiest === undefined || limit === undefined) return [];
  const isCut = limit < written;
  const isShort = outOfFiles > 0 || isCut || busiest.openFiles >= limit * nearlyFull;
  // The plan for the connections raises the files that they need.
  const plans = isShort && !connectionsShort ? planFor('fd-limit-nginx', 'confirmed', { instance: instance.id, limit, connections: written }) : [];
  return [
    {
      id: 'open-files',
      name: instance.id,
      now: limit,
      source: `file:/proc/${busiest.pid}/limits`,
      used: busiest.openFiles,
      ...(isShort ? recommendedIn(plans, 'worker_rlimit_nofile') : { recommended: limit }),
      verdict: isShort ? 'too-small' : 'fits',
      because:
        outOfFiles > 0
          ? `nginx could not open a file or connection ${outOfFiles} times for want of open files.`
          : isCut
            ? `Each connection needs an open file: ${limit} cut the ${written} that worker_connections allows.`
            : `The busiest worker has ${busiest.openFiles} of ${limit} open files.`,
      sums: [`worker_connections ${written}, and a log or file for some = ${written * 2 + 1024} at most; now ${limit}`],
      plans,
    },
  ];
}

/** The number that the plan sets, read off its edit. */
function recommendedIn(plans: SizedLimit['plans'], directive: string): { readonly recommended?: number } {
  for (const step of plans.flatMap(plan => plan.steps)) {
    const value = step.kind === 'edit' ? new RegExp(`${directive}\\s+(\\d{1,9})`).exec(step.after)?.[1] : undefined;
    if (value !== undefined) return { recommended: Number(value) };
  }
  return {};
}

function countOf(facts: Facts, what: MessageClass): number {
  const groups = valueOr(facts['nginx-error-log'], undefined)?.groups ?? [];
  return groups.filter(group => group.class === what).reduce((sum, group) => sum + group.count, 0);
}
