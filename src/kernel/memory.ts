/**
 * Where things lie in the memory, in bytes. `src/node/logs/kernel.ts` reads these places from the module's exports.
 * Below the first lie the constant texts of the kernel (from 64 on).
 */

/** What `scan` found when it came back, and what it starts with: see the `at…` below. */
export const STATE: usize = 0x400;
/** The f64 before which lines are outside of the window, and the one from which on they are. */
export const SINCE: usize = STATE + 64;
export const UNTIL: usize = STATE + 72;
/** Three u64 that nobody outside can know. */
export const SEEDS: usize = STATE + 96;

/** 64 bytes of ones up to 16 behind this place, then 64 of zeros: read n bytes before the border, they mask the first n bytes of 64. */
export const MASKS: usize = 0x540;
/** The multipliers of the line hash, 256 bytes. */
export const MULTIPLIERS: usize = 0x600;
/** Steps of the fine histograms to coarse ones, a byte each. */
export const COARSE: usize = 0x800;
/** One record of 96 bytes for each clock: see `clock.ts`. */
export const HOURS: usize = 0x1000;
/** Lines that fitted and were inside of the window, and those outside, for each format: two u32 each. */
export const LINES: usize = 0x3000;

/** Vectors of the compiled walk, 16 bytes each. */
export const VECTORS: usize = 0x3800;
export const VECTORS_END: usize = 0x4000;

/** Instructions, 32 bytes each, and the texts they point to. */
export const PROGRAM: usize = 0x4000;
export const PROGRAM_END: usize = 0x1c000;

/** Open addressing: u64 hash (0: free), u32 combination. */
export const TABLE: usize = 0x20000;
export const TABLE_SLOTS: usize = 8192;
/** 64 bytes for each combination: first and last time, sums of both numbers (f64), lines without time (u32), flags (u32). */
export const COMBINATIONS: usize = 0x40000;
export const MOST_COMBINATIONS: usize = 4096;

/** For each of 64 columns the bucket (i32, -1: none) that it counts. */
export const COLUMNS: usize = 0x80000;
/** For each column the sum of its first numbers (f64). */
export const LATENCY_SUMS: usize = 0x80100;
/** For each column a coarse histogram of u32. */
export const LATENCY: usize = 0x80400;
export const COARSE_STEPS: usize = 139;
/** Lines to be looked at as samples: u32 place, u32 length, u32 hash, u32 combination, f64 time, 8 bytes nothing. */
export const SAMPLES: usize = 0x90000;
export const MOST_SAMPLES: usize = 4096;
/** For each column a u32 for each combination. */
export const COUNTS: usize = 0x100000;
/** For each combination two histograms of u32. */
export const HISTOGRAMS: usize = 0x200000;
export const STEPS: usize = 524;

/** What columns have counted, until JavaScript takes it: see `columns.ts`. */
export const GIVEN: usize = 0x1270000;
export const GIVEN_END: usize = 0x12f0000;

/** What is scanned, and at least 64 bytes behind it. */
export const INPUT: usize = 0x1400000;
export const INPUT_END: usize = 0x1ffff00;
