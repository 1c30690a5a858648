import type { CollectContext } from '../model/collector.ts';
import { valueOr } from '../model/fact.ts';
import type { FactId, Facts } from '../model/facts.ts';
import type { Finding } from '../model/finding.ts';
import type { Fix } from '../model/fix.ts';
import type { NotChecked } from '../model/report.ts';
import type { SizedMemory, SizedPool, SizeReport, SizeVerdict } from '../model/size-report.ts';
import { budgetOf, type Budget } from './budget.ts';
import { judgePool, type PlanFor } from './judge.ts';
import { measurePools } from './measure.ts';
import { nginxLimits } from './nginx-connections.ts';
import { backlogLimits, portLimits } from './queues-and-ports.ts';

/** The facts that a sizing rests on; what these need is collected with them. */
export const sizingFacts: readonly FactId[] = [
  'host-identity',
  'processes',
  'process-details',
  'listeners',
  'connections',
  'systemd-units',
  'resources',
  'control-groups',
  'nginx-instances',
  'nginx-config',
  'nginx-error-log',
  'nginx-access-log',
  'php-fpm-pools',
  'backend-configs',
  'backend-events',
  'services',
  'service-load',
  'topology',
];

export interface SizingInput {
  readonly facts: Facts;
  readonly context: CollectContext;
  readonly fixes: readonly Fix[];
  readonly titles: ReadonlyMap<string, string>;
  readonly hostName: string;
  readonly version: string;
  readonly durationMs: number;
  readonly internalErrors: readonly string[];
}

/** Worker and connection limits of a host, against what was measured on it. Pure; the plans change nothing until somebody applies them. */
export function sizeHost({ facts, context, fixes, titles, hostName, version, durationMs, internalErrors }: SizingInput): SizeReport {
  const planFor = plansOf(fixes, facts);
  const measured = measurePools(facts, context);
  const budget = budgetOf(measured, facts);
  const pools = measured.map(pool => judgePool(pool, budget, planFor));
  const limits = [...nginxLimits(facts, planFor), ...backlogLimits(facts, planFor), ...portLimits(facts, planFor)];
  const identity = valueOr(facts['host-identity'], undefined);
  const memory = memoryOf(facts, budget);
  const verdict = verdictOf(pools, limits);
  return {
    schemaVersion: 1,
    tool: { name: 'badhop', version },
    host: { name: hostName, hostname: identity?.hostname ?? '', user: identity?.user ?? '', cpus: identity?.cpus ?? 0 },
    startedAt: new Date(context.nowMs).toISOString(),
    durationMs,
    window: { from: new Date(context.sinceMs).toISOString(), to: new Date(context.nowMs).toISOString() },
    verdict,
    summary: summaryOf(verdict, pools, limits, facts),
    ...(memory === undefined ? {} : { memory }),
    pools,
    limits,
    notChecked: notChecked(facts, pools, titles),
    internalErrors,
  };
}

function plansOf(fixes: readonly Fix[], facts: Facts): PlanFor {
  return (fault, confidence, fixData) => {
    const finding: Finding = {
      fault,
      layer: 'capacity',
      confidence,
      status: 'latent',
      subject: { kind: 'host', id: 'host', name: 'this host', peers: [] },
      title: '',
      explanation: '',
      share: 0,
      evidence: [],
      symptoms: [],
      consequences: [],
      fixes: [],
      fixData,
    };
    return fixes.filter(fix => fix.fixes.includes(fault)).flatMap(fix => fix.plan(finding, facts) ?? []);
  };
}

const changes: ReadonlySet<string> = new Set<SizedPool['verdict']>(['too-small', 'too-large', 'memory-bound', 'cpu-bound']);

function verdictOf(pools: readonly SizedPool[], limits: SizeReport['limits']): SizeVerdict {
  if (pools.some(pool => changes.has(pool.verdict)) || limits.some(limit => limit.verdict === 'too-small')) return 'change';
  return pools.some(pool => pool.verdict === 'unknown') || !pools.some(pool => pool.verdict === 'fits') ? 'unknown' : 'fits';
}

function summaryOf(verdict: SizeVerdict, pools: readonly SizedPool[], limits: SizeReport['limits'], facts: Facts): string {
  if (verdict === 'change') {
    const said = [
      ...pools.filter(pool => changes.has(pool.verdict)).map(poolClause),
      ...limits.filter(one => one.verdict === 'too-small').map(one => `${one.id} of ${one.name} is too small (${one.now})`),
    ];
    const more = said.length > 3 ? `, and ${said.length - 3} more` : '';
    return `${said.slice(0, 3).join('; ')}${more}`;
  }
  if (verdict === 'fits') {
    const fit = pools.filter(pool => pool.verdict === 'fits').length;
    const idle = pools.filter(pool => pool.verdict === 'idle').length;
    return `Nothing to change: ${fit === 1 ? 'the pool' : `the ${fit} pools`} under load had enough workers, and memory bears all of them${idle === 0 ? '' : `; ${idle} had nothing to do`}`;
  }
  const unclear = pools.find(pool => pool.verdict === 'unknown');
  if (unclear !== undefined) return `${unclear.name}: ${unclear.because.replace(/\.$/, '')}`;
  if (pools.length > 0) return 'The measure is idle: no worker had anything to do; look again at a busy hour';
  return facts.services.state === 'known' ? 'No workers of a backend were seen here' : `Which backends run here could not be read (${facts.services.why})`;
}

function poolClause({ name, setting, verdict, now, recommended }: SizedPool): string {
  const from = now === undefined ? setting : `${setting} = ${now.value}`;
  if (verdict === 'cpu-bound') return `${name} is short of processors, not of workers`;
  if (verdict === 'memory-bound') return `${name} needs more workers than memory bears (${from})`;
  const to = recommended === undefined ? '' : `, ${verdict === 'too-small' ? 'raise' : 'lower'} it to ${recommended}`;
  return `${name}: ${from} is too ${verdict === 'too-small' ? 'small' : 'large for the memory'}${to}`;
}

function memoryOf(facts: Facts, { rooms }: Budget): SizedMemory | undefined {
  const memory = valueOr(facts.resources, undefined)?.memory;
  if (memory === undefined) return undefined;
  return {
    totalBytes: memory.totalBytes,
    availableBytes: memory.availableBytes,
    swapTotalBytes: memory.swapTotalBytes,
    swapUsedBytes: Math.max(0, memory.swapTotalBytes - memory.swapFreeBytes),
    rooms: rooms.map(({ room, pools, workersBytes, fullBytes }) => ({
      kind: room.kind,
      name: room.name,
      source: room.source,
      totalBytes: room.totalBytes,
      availableBytes: Math.round(room.availableBytes),
      reserveBytes: room.reserveBytes,
      workersBytes: Math.round(workersBytes),
      fullBytes: Math.round(fullBytes),
      pools: pools.map(pool => pool.service.name),
    })),
  };
}

function notChecked(facts: Facts, pools: readonly SizedPool[], titles: ReadonlyMap<string, string>): readonly NotChecked[] {
  const list: NotChecked[] = [];
  for (const id of sizingFacts) {
    const fact = facts[id];
    const what = titles.get(id) ?? id;
    if (fact.state === 'known') list.push(...(fact.problems ?? []).slice(0, 10).map(why => ({ what, why, how: '' })));
    else if (fact.state !== 'absent' || fact.how !== undefined) list.push({ what, why: fact.why, how: fact.how ?? '' });
  }
  const byRss = pools.filter(pool => pool.memory?.how === 'RSS').map(pool => pool.name);
  if (byRss.length > 0)
    list.push({
      what: `PSS of ${byRss.join(', ')}`,
      why: 'the memory of its workers could only be read as resident size, which counts shared pages to each of them: it is an upper bound',
      how: 'run as root',
    });
  const log = facts['nginx-access-log'];
  if (log.state === 'known' && log.value.total > 0 && (log.value.inWork?.peers.length ?? 0) === 0)
    list.push({
      what: 'Requests at once by the access log',
      why: 'its format has no time of a request',
      how: 'add $upstream_addr and $upstream_response_time to the log_format',
    });
  return list;
}
