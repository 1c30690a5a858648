/**
 * apt's /var/log/apt/history.log: one paragraph a run, in the host's local time (apt-pkg/deb/dpkgpm.cc). From apt 2.6.1:
 *
 *   Start-Date: 2026-11-21  07:14:22
 *   Commandline: apt-get install -y nginx
 *   Requested-By: ana (1000)
 *   Install: nginx:amd64 (1.22.1-9), nginx-common:amd64 (1.22.1-9, automatic)
 *   Upgrade: libcurl4:amd64 (7.88.1-10+deb12u14, 7.88.1-10+deb12u15)
 *   End-Date: 2026-11-21  07:14:56
 */
import type { PackageAction } from './dpkg-log.ts';
import { parseLogTime, type LogTimeOptions } from './log-time.ts';

export interface AptRun {
  readonly startMs: number;
  /** Absent where it goes on or was cut off. */
  readonly endMs?: number;
  /** The command line as it was given. */
  readonly command?: string;
  readonly actions: readonly PackageAction[];
}

const actionOf: Readonly<Record<string, PackageAction['action']>> = {
  Install: 'install',
  Reinstall: 'install',
  Upgrade: 'upgrade',
  Downgrade: 'upgrade',
  Remove: 'remove',
  Purge: 'purge',
};
const maxLines = 20_000;
const maxPackages = 2000;
const maxWord = 200;
const maxCommand = 500;

/** The runs in the order of the log. A tail that begins within a run leaves that one out. */
export function parseAptHistory(text: string, options: LogTimeOptions): readonly AptRun[] {
  const runs: AptRun[] = [];
  for (const line of text.split('\n', maxLines)) {
    const colon = line.indexOf(': ');
    const [field, value] = [line.slice(0, Math.max(0, colon)), line.slice(colon + 2)];
    if (field === 'Start-Date') {
      const startMs = timeOf(value, options);
      if (startMs !== undefined) runs.push({ startMs, actions: [] });
      continue;
    }
    const run = runs.at(-1);
    if (run === undefined || run.endMs !== undefined || colon < 0) continue;
    const endMs = field === 'End-Date' ? timeOf(value, options) : undefined;
    const action = Object.hasOwn(actionOf, field) ? actionOf[field] : undefined;
    const more: Partial<AptRun> = {
      ...(endMs === undefined ? {} : { endMs }),
      ...(field === 'Commandline' ? { command: value.slice(0, maxCommand) } : {}),
      ...(action === undefined || run.actions.length >= maxPackages ? {} : { actions: [...run.actions, ...actionsIn(value, action, run.startMs)] }),
    };
    runs[runs.length - 1] = { ...run, ...more };
  }
  return runs;
}

/** The date and the time have two blanks between them. */
function timeOf(value: string, options: LogTimeOptions): number | undefined {
  return parseLogTime(value.slice(0, 40).replace('  ', ' '), options)?.timeMs;
}

/** `nginx:amd64 (1.22.1-9), libcurl4:amd64 (old, new)`. */
function actionsIn(value: string, action: PackageAction['action'], timeMs: number): readonly PackageAction[] {
  return value.split('), ', maxPackages).flatMap((entry): readonly PackageAction[] => {
    const open = entry.indexOf(' (');
    if (open <= 0 || open > maxWord) return [];
    const full = entry.slice(0, open);
    const colon = full.indexOf(':');
    const [first = '', second] = entry
      .slice(open + 2, open + 3 * maxWord)
      .replace(/\)$/, '')
      .split(', ', 2);
    const name = colon > 0 ? full.slice(0, colon) : full;
    if (action === 'remove' || action === 'purge') return [{ timeMs, action, name }];
    if (action === 'install') return [{ timeMs, action, name, version: first }];
    return [{ timeMs, action, name, oldVersion: first, ...(second === undefined ? {} : { version: second }) }];
  });
}
