import { ask, type Request } from '../../model/collector.ts';
import type { Known } from '../../model/fact.ts';
import type { Change } from '../../model/facts/changes.ts';
import { parseAptHistory, type AptRun } from '../../parsers/apt-history.ts';
import { parseDpkgLog, type PackageAction } from '../../parsers/dpkg-log.ts';
import type { LogTimeOptions } from '../../parsers/log-time.ts';
import { parseRpmPackages } from '../../parsers/rpm-packages.ts';
import { textOf } from './answers.ts';

const dpkgLog = '/var/log/dpkg.log';
const aptHistory = '/var/log/apt/history.log';
const tail = { offset: -131_072, limit: 131_072 } as const;
const rpmArgv = ['rpm', '-qa', '--queryformat', '%{INSTALLTIME} %{NAME} %{VERSION}-%{RELEASE}\\n'] as const;
/** The logs have whole seconds. */
const slackMs = 2000;
/** A run whose end is not in the log. */
const longestRunMs = 3_600_000;

const doneTo: Readonly<Record<PackageAction['action'], string>> = {
  install: 'was installed',
  upgrade: 'was upgraded',
  remove: 'was removed',
  purge: 'was purged',
};

/** Packages that were put in place or taken away: by dpkg's log, with the command of apt's; by apt's alone; else by rpm's data. */
export function* packageChanges(options: LogTimeOptions): Generator<readonly Request[], readonly Change[], readonly Known<unknown>[]> {
  const [dpkg, apt] = yield* ask({ kind: 'read', path: dpkgLog, options: tail }, { kind: 'read', path: aptHistory, options: tail });
  if (dpkg.state === 'absent' && apt.state === 'absent') {
    const [rpm] = yield* ask({ kind: 'exec', argv: rpmArgv, options: { timeoutMs: 3000, maxBytes: 2_097_152 } });
    return rpm.state === 'known' ? parseRpmPackages(rpm.value.stdout).map(action => changeOf(action, 'exec:rpm -qa')) : [];
  }
  const runs = parseAptHistory(textOf(apt) ?? '', options);
  const actions = parseDpkgLog(textOf(dpkg) ?? '', options);
  const told = new Set<AptRun>();
  const byDpkg = actions.map(action => {
    const run = runs.find(({ startMs, endMs }) => action.timeMs >= startMs - slackMs && action.timeMs <= (endMs ?? startMs + longestRunMs) + slackMs);
    if (run !== undefined) told.add(run);
    return changeOf(action, `file:${dpkgLog}`, run?.command);
  });
  const byApt = runs
    .filter(run => !told.has(run))
    .flatMap(run => run.actions.map(action => changeOf({ ...action, timeMs: run.endMs ?? run.startMs }, `file:${aptHistory}`, run.command)));
  return [...byDpkg, ...byApt];
}

function changeOf({ timeMs, action, name, version, oldVersion }: PackageAction, source: string, by?: string): Change {
  const versions = version === undefined ? '' : oldVersion === undefined ? ` (${version})` : ` from ${oldVersion} to ${version}`;
  return {
    kind: 'package',
    timeMs,
    subject: `package ${name}`,
    verb: `${doneTo[action]}${versions}`,
    source,
    package: { name, ...(oldVersion === undefined ? {} : { from: oldVersion }), ...(version === undefined ? {} : { to: version }) },
    ...(by === undefined ? {} : { by }),
  };
}
