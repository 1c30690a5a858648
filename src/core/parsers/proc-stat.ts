import { linesOf, wholeNumber, wordsOf } from './text.ts';

/** `/proc/PID/stat` (Linux, proc_pid_stat(5)). Times are in clock ticks. */
export interface ProcStat {
  readonly pid: number;
  readonly comm: string;
  readonly state: string;
  readonly ppid: number;
  /** PF_KTHREAD is set. */
  readonly kernelThread: boolean;
  readonly cpuTicks: number;
  readonly threads: number;
  /** Ticks since boot. */
  readonly startTicks: number;
  readonly rssPages: number;
}

/** `include/linux/sched.h`. */
const PF_KTHREAD = 0x0020_0000;

/**
 * Reads one line of `/proc/PID/stat`; `undefined` where it is none. The name may hold blanks and brackets, so it ends
 * at the last `)`. Sample (Linux 6.18):
 * `50 (nginx) S 48 48 48 0 -1 4194624 196 0 0 0 0 0 0 0 20 0 1 0 121295 12279808 1014 …`
 */
export function parseProcStat(text: string): ProcStat | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 1 || close < open) return undefined;
  const pid = wholeNumber(text.slice(0, open).trim());
  const fields = wordsOf(text.slice(close + 1), 24);
  const state = fields[0];
  const ppid = wholeNumber(fields[1]);
  const startTicks = wholeNumber(fields[19]);
  if (pid === undefined || state === undefined || ppid === undefined || startTicks === undefined) return undefined;
  const flags = wholeNumber(fields[6]) ?? 0;
  return {
    pid,
    comm: text.slice(open + 1, close),
    state,
    ppid,
    kernelThread: Math.floor(flags / PF_KTHREAD) % 2 === 1,
    cpuTicks: (wholeNumber(fields[11]) ?? 0) + (wholeNumber(fields[12]) ?? 0),
    threads: wholeNumber(fields[17]) ?? 1,
    startTicks,
    rssPages: Math.max(0, wholeNumber(fields[21]) ?? 0),
  };
}

/** What is used of `/proc/stat`. */
export interface SystemStat {
  readonly bootMs?: number;
  readonly cpus: number;
}

/** Reads `/proc/stat` (proc_stat(5)): `btime 1795244991` and one `cpuN` line a processor that is on line. */
export function parseSystemStat(text: string): SystemStat {
  let cpus = 0;
  let bootMs: number | undefined;
  for (const line of linesOf(text)) {
    if (/^cpu\d/.test(line)) cpus += 1;
    else if (line.startsWith('btime ')) {
      const seconds = wholeNumber(line.slice(6).trim());
      if (seconds !== undefined) bootMs = seconds * 1000;
    }
  }
  return bootMs === undefined ? { cpus } : { cpus, bootMs };
}
