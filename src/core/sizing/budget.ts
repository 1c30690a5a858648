import type { Facts } from '../model/facts.ts';
import { memoryRooms, type MemoryRoom } from '../model/memory-rooms.ts';
import { isBoundByProcessors } from '../model/worker-capacity.ts';
import { allocate, type Claim } from './allocate.ts';
import type { Pool } from './measure.ts';

/** With so little of the reserve left, workers that grow a little more end in the OOM killer. */
const spentShare = 0.2;

/** A room with the pools in it and what they make of it. */
export interface SharedRoom {
  readonly room: MemoryRoom;
  readonly pools: readonly Pool[];
  /** Held by the workers of these pools now. */
  readonly workersBytes: number;
  /** What they hold where each of them is at its limit, and its workers are at work. */
  readonly fullBytes: number;
  /** For these workers, the reserve kept. Below 0 where even what runs leaves less than the reserve. */
  readonly budgetBytes: number;
  /** At their limits the pools do not fit into what is free and what they hold, the reserve used up. */
  readonly isOverfull: boolean;
  /** Every measure in it is by PSS. */
  readonly isExact: boolean;
}

export interface Budget {
  readonly rooms: readonly SharedRoom[];
  /** Units that each pool may have, by service id. */
  readonly granted: ReadonlyMap<string, number>;
}

/** Shares out the memory of the host, and of each limit in it, among the pools. Pools without a measure take no part. */
export function budgetOf(pools: readonly Pool[], facts: Facts): Budget {
  const measured = pools.filter(pool => pool.memory !== undefined && pool.limit !== undefined);
  const rooms = memoryRooms(facts)
    .map(room => shared(room, measured))
    .filter(one => one.pools.length > 0);
  const isGrowing = measured.some(pool => wantsMore(pool));
  const isOverfull = rooms.some(room => room.isOverfull);
  if (!isGrowing && !isOverfull) return { rooms, granted: new Map(measured.map(pool => [pool.service.id, pool.limit ?? 0])) };
  return {
    rooms,
    granted: allocate(
      measured.map(pool => claimOf(pool, isOverfull)),
      // A room that is neither overfull nor asked for more stays as it is, though less than the reserve may be left in it.
      rooms
        .filter(room => room.isOverfull || room.pools.some(pool => wantsMore(pool)))
        .map(one => ({ bytes: bytesFor(one), members: new Set(one.pools.map(pool => pool.service.id)) })),
    ),
  };
}

/** More workers are needed, and they would help. */
export function wantsMore(pool: Pool): boolean {
  return pool.isShort && !isBoundByCpu(pool) && pool.limit !== undefined && pool.needed > pool.limit;
}

/** As many workers as processors, and these are busy with them. */
export function isBoundByCpu({ need, workers, cpus, unit, running }: Pool): boolean {
  return isBoundByProcessors(need.state?.load, unit === 'thread' ? running : workers.length, cpus);
}

/** Of a pool that grows, the workers that run are there already; all others claim what their workers hold. */
function claimOf(pool: Pool, isOverfull: boolean): Claim {
  const { limit = 0, memory, unit, running, needed, service, bytesEach } = pool;
  // Threads that a server may have today are not held against it: what one of them takes cannot be measured.
  if (wantsMore(pool)) return { id: service.id, least: needed, wish: needed, free: unit === 'thread' ? limit : running, bytesEach };
  const free = unit === 'thread' ? limit : 0;
  // More may run than are allowed now: a changed limit counts from the next start on.
  const wish = unit === 'thread' ? limit : Math.max(limit, running);
  const least = Math.min(wish, Math.max(free, pool.isShort ? limit : needed));
  return { id: service.id, least, wish, free, bytesEach: (isOverfull ? memory?.largestBytes : memory?.inWorkBytes) ?? bytesEach };
}

/** What the claims of the pools in a room may take together. */
function bytesFor({ room, pools }: SharedRoom): number {
  const used = (some: readonly Pool[]): number => some.reduce((sum, pool) => sum + (pool.unit === 'worker' ? (pool.memory?.usedBytes ?? 0) : 0), 0);
  const growing = used(pools.filter(pool => wantsMore(pool)));
  const others = used(pools.filter(pool => !wantsMore(pool)));
  return Math.min(room.availableBytes - room.reserveBytes + others, room.totalBytes - room.reserveBytes - growing);
}

/** What a pool holds at its limit, all of its workers at work. */
function fullBytesOf({ limit = 0, memory, unit, running }: Pool): number {
  return Math.max(limit, unit === 'worker' ? running : 0) * (memory?.inWorkBytes ?? 0);
}

function shared(room: MemoryRoom, all: readonly Pool[]): SharedRoom {
  const pools = all.filter(pool => pool.workers.some(worker => room.holds(worker)));
  const processes = pools.filter(pool => pool.unit === 'worker');
  const workersBytes = processes.reduce((sum, pool) => sum + (pool.memory?.usedBytes ?? 0), 0);
  const fullBytes = processes.reduce((sum, pool) => sum + fullBytesOf(pool), 0);
  // Shared pages may be charged to another group, so that workers seem to hold more than there is.
  const most = Math.min(room.availableBytes + workersBytes, room.totalBytes);
  const isSpent = processes.length > 0 && room.availableBytes < room.reserveBytes * spentShare;
  return {
    room,
    pools,
    workersBytes,
    fullBytes,
    budgetBytes: most - room.reserveBytes,
    isOverfull: isSpent || fullBytes > most + 1,
    isExact: processes.every(pool => pool.memory?.how === 'PSS'),
  };
}
