import { headroom, inMebibytes } from '../model/worker-capacity.ts';
import type { FixPlan } from '../model/finding.ts';
import type { MemoryRoom } from '../model/memory-rooms.ts';
import type { PoolVerdict, SizedPool } from '../model/size-report.ts';
import { isBoundByCpu, wantsMore, type Budget, type SharedRoom } from './budget.ts';
import type { Pool } from './measure.ts';
import { neededText, roomName, seenText, upperFirst } from './words.ts';

/** Makes a plan for a finding that is not one of the diagnosis: `fault` says which fixes are asked. */
export type PlanFor = (fault: string, confidence: 'confirmed' | 'likely' | 'possible', fixData: Readonly<Record<string, unknown>>) => readonly FixPlan[];

/** What is to be said of a pool, and done to it. */
export function judgePool(pool: Pool, budget: Budget, planFor: PlanFor): SizedPool {
  const rooms = budget.rooms.filter(room => room.pools.includes(pool));
  const granted = budget.granted.get(pool.service.id);
  const { verdict, because, units } = judgement(pool, rooms, granted);
  const { service, setting, factor, limit, memory, need, running } = pool;
  const { state: _state, isIdle: _isIdle, processorsUsed: _processorsUsed, loggedPeak: _loggedPeak, ...needed } = need;
  const recommended = units === undefined ? undefined : units * factor;
  const plans =
    (verdict === 'too-small' || verdict === 'too-large') && units !== undefined && recommended !== undefined
      ? planFor('worker-pool-exhausted', memory?.how === 'PSS' ? 'confirmed' : 'likely', {
          service: service.id,
          workers: units,
          setting,
          value: String(recommended),
          because: planReason(pool, rooms),
        })
      : [];
  return {
    service: service.id,
    kind: service.kind,
    name: service.name,
    setting,
    ...(limit === undefined ? {} : { now: { value: limit * factor, source: pool.limitSource } }),
    running: pool.unit === 'thread' ? running : pool.workers.length,
    ...(recommended === undefined ? {} : { recommended }),
    verdict,
    because,
    ...(memory === undefined
      ? {}
      : {
          memory: {
            how: memory.how,
            measured: memory.measured,
            meanBytes: Math.round(memory.meanBytes),
            inWorkBytes: Math.round(memory.inWorkBytes),
            largestBytes: Math.round(memory.largestBytes),
            usedBytes: Math.round(memory.usedBytes),
          },
        }),
    needed,
    sums: [...roomSums(pool, rooms, budget), ...neededSums(pool), ...guideSums(pool)],
    plans,
  };
}

interface Judgement {
  readonly verdict: PoolVerdict;
  readonly because: string;
  readonly units?: number;
}

function judgement(pool: Pool, rooms: readonly SharedRoom[], granted: number | undefined): Judgement {
  const { limit, memory, need, unit } = pool;
  if (limit === undefined)
    return { verdict: 'unknown', because: `How many ${unit}s it may have is not known: no file or command line that could be read says it.` };
  if (memory === undefined)
    return { verdict: 'idle', because: 'None of its workers runs: there is nothing to measure. Look again while it has something to do.' };
  if (rooms.length === 0 || granted === undefined) return { verdict: 'unknown', because: 'The memory of this host could not be read.' };
  const tight = rooms.find(room => room.isOverfull);
  if (tight?.isExact === false)
    return {
      verdict: 'unknown',
      because: `${overfullText(tight)}. But this is by resident size, which counts shared pages to each worker: it may well fit (run as root to measure).`,
    };
  if (granted < limit && !wantsMore(pool)) {
    if (granted < 1) return { verdict: 'too-large', because: `${overfullText(tight)}: there is not memory for one of its workers.` };
    const makesRoom = tight === undefined ? 'The room is needed by a pool that is short of workers' : overfullText(tight);
    return { verdict: 'too-large', because: `${makesRoom}.`, units: granted };
  }
  if (pool.isShort) {
    const seen = seenText(pool);
    if (isBoundByCpu(pool))
      return {
        verdict: 'cpu-bound',
        because: `${seen}. Its workers compute, and there are as many as processors (${pool.cpus}): more of them will not help.`,
        units: limit,
      };
    if (wantsMore(pool) && granted > limit) return { verdict: 'too-small', because: `${seen}.${shortOfText(pool, granted)}`, units: granted };
    return {
      verdict: 'memory-bound',
      because: `${seen}. It would need ${pool.needed * pool.factor}, and memory bears no more.`,
      units: tight === undefined ? limit : Math.min(limit, granted),
    };
  }
  if (need.isIdle)
    return {
      verdict: 'idle',
      because: 'It had nothing to do: what its workers grow to under load, and how many are needed, is not known. Look again at a busy hour.',
      units: limit,
    };
  const fit = unit === 'worker' ? '. All of it fits into memory' : '';
  const spare = pool.needed > limit ? ', with less than a quarter in reserve' : '';
  return { verdict: 'fits', because: `${seenText(pool)}${fit}${spare}.`, units: limit };
}

function shortOfText({ needed, factor }: Pool, granted: number): string {
  return granted < needed ? ` It needs ${needed * factor}, and memory bears ${granted * factor}.` : '';
}

function overfullText(room: SharedRoom | undefined): string {
  if (room === undefined) return 'At their limits the pools do not fit into memory';
  const { availableBytes, reserveBytes } = room.room;
  if (room.fullBytes <= room.workersBytes)
    return `${upperFirst(roomName(room.room))} has ${inMebibytes(availableBytes)} left, and ${inMebibytes(reserveBytes)} should stay free`;
  const what = room.pools.length === 1 ? 'At its limit it takes' : `At their limits these ${room.pools.length} pools take`;
  const most = Math.min(room.room.availableBytes + room.workersBytes, room.room.totalBytes);
  return `${what} ${inMebibytes(room.fullBytes)}, and ${roomName(room.room)} has ${inMebibytes(most)} for ${room.pools.length === 1 ? 'it' : 'them'}`;
}

function planReason(pool: Pool, rooms: readonly SharedRoom[]): string {
  const each = inMebibytes(pool.bytesEach);
  const [room] = rooms.toSorted((a, b) => a.budgetBytes - b.budgetBytes);
  return room === undefined
    ? `at ${each} each`
    : `${inMebibytes(Math.max(0, room.budgetBytes))} for ${room.pools.length === 1 ? 'it' : `${room.pools.length} pools`}, ${each} each`;
}

/** The guides' formula: memory for workers, by the size of one; of the room that bears the fewest. */
function roomSums(pool: Pool, rooms: readonly SharedRoom[], budget: Budget): readonly string[] {
  const sums = rooms.map(room => (pool.unit === 'thread' ? threadSum(pool, room) : workerSum(pool, room, budget)));
  return sums
    .toSorted((a, b) => a.units - b.units)
    .slice(0, 1)
    .map(({ text }) => text);
}

interface Sum {
  readonly units: number;
  readonly text: string;
}

function workerSum(pool: Pool, { room, pools, workersBytes }: SharedRoom, { granted }: Budget): Sum {
  const { memory } = pool;
  const others = pools
    .filter(other => other !== pool && other.unit === 'worker')
    .map(other => ({ other, units: Math.min(other.limit ?? 0, granted.get(other.service.id) ?? 0) }));
  const othersBytes = others.reduce((sum, { other, units }) => sum + units * (other.memory?.inWorkBytes ?? 0), 0);
  const largest = memory?.largestBytes ?? 0;
  const each = Math.max(1, pool.isShort ? pool.bytesEach : largest);
  const floor = each > largest ? ', the least that a worker is counted with' : '';
  const bytes = Math.min(room.availableBytes + workersBytes, room.totalBytes) - room.reserveBytes - othersBytes;
  const rest =
    others.length === 0 ? '' : ` − ${inMebibytes(othersBytes)} for ${others.map(({ other, units }) => `${units} of ${other.service.name}`).join(', ')}`;
  const units = Math.max(0, Math.floor(bytes / each));
  return {
    units,
    text: `${roomName(room)} bears (${freeText(room)} + ${inMebibytes(workersBytes)} held by workers${rest}) / ${inMebibytes(each)} each by ${memory?.how ?? 'PSS'}${floor} = ${units}`,
  };
}

function threadSum({ memory, bytesEach, limit = 0, running }: Pool, { room }: SharedRoom): Sum {
  const units = Math.max(0, Math.floor((room.availableBytes - room.reserveBytes) / Math.max(1, bytesEach)));
  return {
    units,
    text: `${roomName(room)} bears (${freeText(room)}) / ${inMebibytes(bytesEach)} a thread = ${units} more than the ${limit} allowed now (at most so much a thread: ${inMebibytes(memory?.usedBytes ?? 0)} over ${running})`,
  };
}

function freeText({ availableBytes, reserveBytes }: MemoryRoom): string {
  return `${inMebibytes(availableBytes)} available − ${inMebibytes(reserveBytes)} reserve`;
}

function neededSums(pool: Pool): readonly string[] {
  const { perUnit, needed, isShort } = pool;
  if (perUnit === undefined) return [];
  const at = neededText(pool);
  const by = perUnit === 1 ? '' : ` / ${perUnit} at once in each`;
  return at === undefined || isShort ? [] : [`needed: ${at} × ${headroom} in reserve${by} = ${needed}`];
}

/** Rules of thumb by processors, from the servers' own guides. */
function guideSums({ service, cpus, unit }: Pool): readonly string[] {
  const count = Math.max(1, Math.floor(cpus));
  if (service.kind === 'gunicorn') return [`guide of gunicorn: 2 × ${count} processors + 1 = ${2 * count + 1} workers`];
  if (service.kind === 'puma' && unit === 'worker') return [`guide of Puma: a worker a processor = ${count}, 3 to 5 threads in each`];
  if (service.kind === 'node') return [`guide of Node.js: a process a processor = ${count}`];
  if (service.kind === 'uvicorn') return [`guide of uvicorn: a worker a processor = ${count}`];
  return [];
}
