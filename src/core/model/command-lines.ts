/**
 * Many command lines in one text, as `grep -azHZ '' /proc/PID/cmdline …` (GNU grep 3.8) prints them: before each argument the name of
 * its file, and a NUL after both. Sample: `/proc/71/cmdline\0/usr/sbin/sshd\0/proc/71/cmdline\0-D\0`. Gives what the files hold, by
 * pid; a file that holds nothing is not in it.
 */
export function parseCommandLines(text: string): Map<number, string> {
  const lines = new Map<number, string>();
  for (let start = 0; start < text.length;) {
    const nameEnd = text.indexOf('\0', start);
    const end = nameEnd < 0 ? -1 : text.indexOf('\0', nameEnd + 1);
    // The output was cut off here.
    if (end < 0) break;
    const pid = pidOf(text, start, nameEnd);
    if (pid !== undefined) lines.set(pid, (lines.get(pid) ?? '') + text.slice(nameEnd + 1, end + 1));
    start = end + 1;
  }
  return lines;
}

/** The same text again. */
export function formatCommandLines(lines: ReadonlyMap<number, string>): string {
  let text = '';
  for (const [pid, line] of lines) for (const argument of line.slice(0, -1).split('\0')) text += `${prefix}${pid}${suffix}\0${argument}\0`;
  return text;
}

/** Reads the command lines of so many processes with one program. More arguments or longer ones than are of use are not printed. */
export function commandLinesArgv(pids: readonly number[]): readonly string[] {
  return ['grep', '-azsHZm', '64', '', ...pids.map(pid => `${prefix}${pid}${suffix}`)];
}

/** Whether this is such a command: its output is not text in lines. */
export function readsCommandLines(argv: readonly string[]): boolean {
  return argv[0] === 'grep' && argv[1] === '-azsHZm';
}

const prefix = '/proc/';
const suffix = '/cmdline';

function pidOf(text: string, start: number, end: number): number | undefined {
  const from = start + prefix.length;
  const to = end - suffix.length;
  if (to <= from || to - from > 10 || !text.startsWith(prefix, start) || !text.startsWith(suffix, to)) return undefined;
  const pid = Number(text.slice(from, to));
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}
