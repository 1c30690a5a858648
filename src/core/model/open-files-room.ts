import { valueOr } from './fact.ts';
import type { NginxInstance } from './facts/nginx.ts';
import type { ProcessDetail, SystemdUnit } from './facts/system.ts';
import type { Facts } from './facts.ts';
import type { FixStep } from './finding.ts';
import { dropInSteps, restartStep } from './unit-drop-in.ts';

/**
 * What has to happen before the workers of a running nginx may open that many files. A worker takes up worker_rlimit_nofile at a reload, but
 * goes above the hard limit of its master only with CAP_SYS_RESOURCE; without it setrlimit fails, and the worker runs on with the old limit.
 */
export type MoreFiles =
  | { readonly way: 'reload' }
  /** The unit has to give more, and to be started anew. */
  | { readonly way: 'restart'; readonly unit: SystemdUnit; readonly hard: number | undefined }
  /** Nothing says what gave the master its limit. */
  | { readonly way: 'by-hand'; readonly pid: number | undefined; readonly hard: number | undefined };

type Given = Pick<Facts, 'process-details' | 'systemd-units'>;

/** What is not known counts as a limit that holds. */
export function moreFilesFor(instance: NginxInstance, facts: Given, files: number): MoreFiles {
  const master = masterOf(instance, facts);
  const hard = master?.openFilesHardLimit;
  if (files <= roomOf(instance, facts)) return { way: 'reload' };
  const unit = valueOr(facts['systemd-units'], []).find(one => one.name === instance.unit);
  // A master with another limit than its unit's got it elsewhere, and a drop-in may not reach it.
  const isOfUnit = unit?.name.endsWith('.service') === true && unit.mainPid === instance.masterPid && isSame(unit.limitNofile, master?.openFilesLimit);
  return unit !== undefined && isOfUnit ? { way: 'restart', unit, hard } : { way: 'by-hand', pid: instance.masterPid, hard };
}

/** Up to how many files a reload can give to each worker. */
export function roomOf(instance: NginxInstance, facts: Given): number {
  const master = masterOf(instance, facts);
  return master?.exceedsLimits === true ? Number.POSITIVE_INFINITY : (master?.openFilesHardLimit ?? 0);
}

/** The unit with a higher limit, started anew. */
export function restartSteps({ unit, hard }: Extract<MoreFiles, { way: 'restart' }>, files: number): readonly FixStep[] {
  const least = hard === undefined ? 'its limit' : `its limit of ${hard}`;
  return [
    ...dropInSteps(unit, 'open-files', [`LimitNOFILE=${files}`]),
    restartStep(unit.name, `nginx may not raise ${least} open files itself, so it has to be started with another; requests under way are cut off`),
  ];
}

/** What a person does where badhop cannot know who sets the limit. */
export function handStep({ pid, hard }: Extract<MoreFiles, { way: 'by-hand' }>, files: number): FixStep {
  const most = hard === undefined ? 'How many files its master may open could not be read' : `Its master may open ${hard} files`;
  return {
    kind: 'manual',
    text: `${most}, and it is not known to be able to raise that: a reload alone then leaves the limit of the workers as it is. No unit of systemd shows where that limit is set. Raise it to ${files} where nginx is started (ulimit -n of a start script, limits.conf, the --ulimit of a container), and start it anew; or raise it as root for the master that runs, before the reload.`,
    commands: pid === undefined ? ['systemctl cat nginx'] : [`grep -i 'open files' /proc/${pid}/limits`, `prlimit --pid ${pid} --nofile=${files}:${files}`],
  };
}

/** Ids in one command. */
const mostIds = 50;

/**
 * Tells the workers that run now to end. At a reload the master gives each of them a connection to the new ones, before it sends over the same
 * way that they are to end. A worker that is out of files cannot take it, gives up listening to its master (`recvmsg() returned invalid
 * ancillary data`), and would go on taking clients with the old limit; seen with nginx 1.22. A signal reaches it.
 */
export function endWorkersSteps({ workers }: NginxInstance): readonly FixStep[] {
  const pids = workers.filter(worker => !worker.shuttingDown).map(worker => String(worker.pid));
  const steps: FixStep[] = [];
  for (let at = 0; at < pids.length; at += mostIds) {
    steps.push({
      kind: 'command',
      argv: ['kill', '-s', 'QUIT', ...pids.slice(at, at + mostIds)],
      disruptive: false,
      why: 'an old worker that is out of files does not hear from its master that it is to end, and would go on with the old limit; requests under way end on it',
    });
  }
  return steps;
}

function masterOf(instance: NginxInstance, facts: Given): ProcessDetail | undefined {
  return instance.masterPid === undefined ? undefined : valueOr(facts['process-details'], []).find(one => one.pid === instance.masterPid);
}

function isSame(one: number | undefined, other: number | undefined): boolean {
  return one !== undefined && one === other;
}
