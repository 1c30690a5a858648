import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { browserOf } from './browser.ts';
import type { Browser } from './browser.ts';
import { createGroups, limitMemory, mountedHierarchies, processesBelow } from './cgroups.ts';
import type { ClientResult, ClientTask } from './client.ts';
import { isInLowerLayer, mountRoot } from './overlay.ts';
import { run, sleep } from './process.ts';
import type { Outcome, RunOptions } from './process.ts';
import { LAB_FOLDER, destroyHost, releaseSlots, removeEmptyLabFolder, removeStaleHosts, takeSlot, writeRecord } from './state.ts';

/** The source tree; visible read-only at the same path inside every host. */
export const REPOSITORY = dirname(dirname(fileURLToPath(import.meta.url)));

export interface HostOptions {
  /** The host's own name. */
  readonly hostname?: string;
  readonly timezone?: string;
  readonly hide?: readonly string[];
  readonly diskBytes?: number;
  /** The host outlives the process that booted it. */
  readonly keep?: boolean;
  /** Not counted as one of the hosts that run at once: a second host of a scenario that has its place already. */
  readonly withoutSlot?: boolean;
  /** Told when its turn has come, before it boots. */
  readonly onTurn?: () => void;
}

export interface ExecOptions {
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly user?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface FileOptions {
  /** Octal, as for chmod. */
  readonly mode?: string;
  /** `user:group`. */
  readonly owner?: string;
}

export interface ServiceOptions {
  readonly user?: string;
  readonly workdir?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Unit properties: `{ Restart: 'always' }`. */
  readonly properties?: Readonly<Record<string, string>>;
}

export interface Traffic {
  /** Ends the traffic early. */
  stop(): Promise<ClientResult>;
  readonly done: Promise<ClientResult>;
}

export interface LabHost {
  /** The lab's name of it, which is also its control group. */
  readonly name: string;
  /** Its pid 1, as the machine sees it. */
  readonly pid: number;
  /** Commands and requests that took ten seconds or more, each with what, since when and how long: where a story hung. */
  readonly slow: readonly string[];
  /** Runs a command inside. Never throws; a non-zero code is an outcome. */
  exec(argv: readonly string[], options?: ExecOptions): Promise<Outcome>;
  /** The same, and returns stdout; throws with the output unless the code is 0. */
  run(argv: readonly string[], options?: ExecOptions): Promise<string>;
  /** Runs a fixed script with `sh -eu`; arguments are passed as `$1`, … and never pasted in. */
  shell(script: string, args?: readonly string[], options?: ExecOptions): Promise<string>;
  write(path: string, text: string, options?: FileOptions): Promise<void>;
  read(path: string): Promise<string>;
  /** `systemctl start` of each; throws where one fails, with its last journal lines. */
  start(...units: readonly string[]): Promise<void>;
  /** The same with `systemctl restart`. */
  restart(...units: readonly string[]): Promise<void>;
  /** Any other `systemctl` call: `systemctl('reload', 'nginx')`. */
  systemctl(...args: readonly string[]): Promise<void>;
  /** Starts a transient service that outlives the call (`systemd-run --unit`). */
  runService(name: string, argv: readonly string[], options?: ServiceOptions): Promise<void>;
  /** Writes a unit file to /etc/systemd/system; systemd is reloaded where it may know the unit already. */
  unitFile(name: string, text: string): Promise<void>;
  /** Main process id and all others of a unit, as the machine sees them. */
  unitProcesses(unit: string): Promise<number[]>;
  /** A memory limit from outside over the processes that the unit has now; breaking it is a real OOM kill. */
  limitMemory(unit: string, bytes: number): Promise<void>;
  /** What sends the requests that are waited for; it runs inside the host from the first of them until it is closed. */
  readonly browser: Browser;
  /** Sends requests from inside and waits for all of them. */
  request(task: ClientTask): Promise<ClientResult>;
  /** Sends requests in the background; ends by itself after `seconds` or `count`. */
  traffic(task: ClientTask): Traffic;
  /** Cables this host with another: both get one address of a /24. */
  link(other: LabHost, address: string, otherAddress: string): Promise<void>;
  /** Waits until the check says true; throws with `what` after the time limit. */
  until(what: string, check: () => Promise<boolean>, timeoutMs?: number): Promise<void>;
  /** A command that opens a shell inside. */
  readonly recipe: string;
  /** Ends and removes everything. */
  stop(): Promise<void>;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** The program that sends requests. With `serve` it takes a task a line until its input ends. */
const CLIENT = join(REPOSITORY, 'lab', 'client-program.mjs');
const slowMs = 10_000;
const live = new Set<string>();
let counter = 0;
let isWatching = false;

/** How many hosts may run at once on this machine. */
export function hostLimit(): number {
  return Number(process.env['BADHOP_LAB_HOSTS'] ?? '') || 3;
}

/** The Node that runs TypeScript as it is; the one of the dev dependency where it is installed. */
export function nodeBinary(): string {
  const own = join(REPOSITORY, 'node_modules', 'node', 'bin', 'node');
  return existsSync(own) ? own : process.execPath;
}

/**
 * Boots a Debian of its own: an overlay of this machine's root with its own systemd, process ids, network and file
 * system. Takes about half a second. Call `stop` in a `finally`.
 */
export async function bootHost(options: HostOptions = {}): Promise<LabHost> {
  watchForExit();
  const release = options.withoutSlot ? () => {} : await takeSlot(hostLimit());
  options.onTurn?.();
  removeStaleHosts();
  const name = `badhop-${process.pid.toString(36)}-${(counter++).toString(36)}`;
  live.add(name);
  try {
    writeRecord(name, process.pid, true);
    const root = await mountRoot(name, {
      hostname: options.hostname ?? 'web1',
      timezone: options.timezone ?? 'Etc/UTC',
      hide: options.hide ?? [],
      diskBytes: options.diskBytes ?? 1 << 30,
    });
    const pid = await startInit(name, root, options.keep ?? false);
    if (options.keep) writeRecord(name, pid, false);
    const stop = async (): Promise<void> => {
      destroyHost(name);
      live.delete(name);
      release();
    };
    const host = makeHost(name, pid, stop);
    // It waits for a signal that systemd may have sent a moment before: then it is asked again.
    const wait = { timeoutMs: 2000 };
    await host.until(
      'systemd to have started',
      async () => /^(running|degraded)/.test((await host.exec(['systemctl', 'is-system-running', '--wait'], wait)).stdout),
      20_000,
    );
    if (options.keep) live.delete(name);
    return host;
  } catch (error) {
    destroyHost(name);
    live.delete(name);
    release();
    throw error;
  }
}

/** Starts systemd-nspawn in the host's control groups and returns the machine's process id of the host's pid 1. */
async function startInit(name: string, root: string, keep: boolean): Promise<number> {
  const binds = [REPOSITORY, ...(isInLowerLayer(nodeBinary()) || nodeBinary().startsWith(REPOSITORY) ? [] : [nodeBinary()])];
  const nspawn = [
    'systemd-nspawn',
    '-q',
    '--boot',
    `--directory=${root}`,
    `--machine=${name}`,
    '--register=no',
    '--keep-unit',
    '--private-network',
    '--kill-signal=SIGRTMIN+4',
    // Left to itself nspawn would replace the host's zone, resolver and journal by the machine's.
    '--timezone=off',
    '--resolv-conf=off',
    '--link-journal=no',
    '--settings=no',
    // The kernel log, so that `journalctl -k` and `dmesg` show what the OOM killer did.
    '--bind=/dev/kmsg',
    '--capability=CAP_SYSLOG',
    ...binds.map(path => `--bind-ro=${path}`),
  ];
  // Orderly end when the owner dies, however it dies; nspawn passes SIGTERM on as --kill-signal.
  const guarded = keep ? nspawn : ['setpriv', '--pdeathsig', 'TERM', ...nspawn];
  const joinGroups = 'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs"; shift; done; shift; exec "$@"';
  const log = openSync(join(LAB_FOLDER, name, 'console'), 'a');
  const child = spawn('sh', ['-c', joinGroups, 'sh', ...createGroups(name), '--', ...guarded], { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  child.unref();
  for (let attempt = 0; attempt < 1000 && child.exitCode === null; attempt++) {
    const found = child.pid === undefined ? undefined : childrenOf(child.pid).find(isInit);
    if (found !== undefined) return found;
    await sleep(10);
  }
  throw new Error(`the host did not start:\n${readFileSync(join(LAB_FOLDER, name, 'console'), 'utf8').slice(-2000)}`);
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** nspawn has short-lived helpers; the one that is 1 in a process id namespace of its own and runs systemd is the host's init. */
function isInit(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return /^NSpid:\t\d+\t1$/m.test(status) && /^Name:\tsystemd$/m.test(status);
  } catch {
    return false;
  }
}

function makeHost(name: string, pid: number, stop: () => Promise<void>): LabHost {
  const groups = mountedHierarchies().map(hierarchy => join(hierarchy.mount, name));
  // In /proc a command looks like one of a login session of this host. The groups that systemd reads are joined by the
  // command alone, from inside: nsenter itself has no process id there, and systemctl fails on a group that holds it.
  const outer = groups.filter(group => !existsSync(join(group, 'payload')));
  const joinOuter = 'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs"; shift; done; shift; exec "$@"';
  const joinInner =
    'for g in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do [ -f "$g/cgroup.procs" ] && { [ -d "$g/lab.scope" ] || mkdir -p "$g/lab.scope"; } && echo $$ > "$g/lab.scope/cgroup.procs"; done; exec "$@"';

  const environment = { PATH, HOME: '/root', USER: 'root', LOGNAME: 'root', SHELL: '/bin/bash', LANG: 'C.UTF-8' };
  const enter = ['sh', '-c', joinOuter, 'sh', ...outer, '--', 'nsenter', '-t', String(pid), '-a', '--', 'sh', '-c', joinInner, 'sh'];
  const inside = (argv: readonly string[]): readonly string[] => [...enter, ...argv];
  const slow: string[] = [];
  const timed = async <T>(what: readonly string[], answer: Promise<T>): Promise<T> => {
    const since = new Date();
    const startedMs = performance.now();
    const result = await answer;
    const ms = Math.round(performance.now() - startedMs);
    if (ms >= slowMs) slow.push(`${what.join(' ').slice(0, 200)} took ${ms} ms from ${since.toISOString()} on`);
    return result;
  };
  const enterAndRun = (argv: readonly string[], options: ExecOptions): Promise<Outcome> => {
    const asUser = options.user === undefined ? argv : ['runuser', '-u', options.user, '--', ...argv];
    const inFolder = options.cwd === undefined ? asUser : ['env', '-C', options.cwd, ...asUser];
    const runOptions: RunOptions = {
      input: options.input,
      timeoutMs: options.timeoutMs,
      signal: options.signal,
      env: { ...environment, ...options.env },
    };
    return run(inside(inFolder), runOptions);
  };
  const exec = (argv: readonly string[], options: ExecOptions = {}): Promise<Outcome> => timed(argv, enterAndRun(argv, options));
  const must = async (argv: readonly string[], options: ExecOptions = {}): Promise<string> => {
    const outcome = await exec(argv, options);
    if (outcome.code === 0) return outcome.stdout;
    const end = outcome.timedOut ? 'ran into its time limit' : `ended with ${outcome.code}`;
    throw new Error(`in ${name}: ${argv.slice(0, 6).join(' ').slice(0, 300)} ${end}\n${(outcome.stdout + outcome.stderr).trim().slice(-1500)}`);
  };
  const browser = browserOf(() => [inside([nodeBinary(), CLIENT, 'serve']), environment]);
  const background = async (task: ClientTask, signal: AbortSignal): Promise<ClientResult> => {
    const limitMs = 20_000 + (task.seconds ?? 0) * 1000 + (task.timeoutMs ?? 10_000);
    // It is meant to go on.
    const outcome = await enterAndRun([nodeBinary(), CLIENT], { input: JSON.stringify(task), timeoutMs: limitMs, signal });
    // After an early end nsenter reports the signal; the client has printed its result all the same.
    if (!outcome.stdout.endsWith('}')) throw new Error(`in ${name}: the client said nothing: ${outcome.stderr.slice(-500)}`);
    return JSON.parse(outcome.stdout) as ClientResult;
  };
  const ask = async (verb: 'start' | 'restart', units: readonly string[]): Promise<void> => {
    const outcome = await exec(['systemctl', verb, ...units]);
    if (outcome.code === 0) return;
    const journal = await exec(['journalctl', '--no-pager', '-n', '15', ...units.flatMap(unit => ['-u', unit])]);
    throw new Error(`${units.join(', ')} did not start: ${outcome.stderr.trim()}\n${journal.stdout}`);
  };
  const unitProcesses = async (unit: string): Promise<number[]> => {
    const group = (await must(['systemctl', 'show', '-p', 'ControlGroup', '--value', unit])).trim();
    if (group === '' || group === '/') throw new Error(`${unit} has no running process`);
    return [...new Set(groups.flatMap(folder => processesBelow(join(folder, 'payload', group))))];
  };

  return {
    name,
    pid,
    slow,
    exec,
    run: must,
    shell: (script, args = [], options = {}) => must(['sh', '-euc', script, 'sh', ...args], options),
    write: async (path, text, { mode = '644', owner = 'root:root' } = {}) => {
      const script = 'mkdir -p "$(dirname "$1")" && cat > "$1" && chmod "$2" "$1" && chown "$3" "$1"';
      await must(['sh', '-euc', script, 'sh', path, mode, owner], { input: text });
    },
    read: path => must(['cat', path]),
    start: (...units) => ask('start', units),
    restart: (...units) => ask('restart', units),
    systemctl: async (...args) => {
      await must(['systemctl', ...args]);
    },
    runService: async (unit, argv, { user, workdir, env = {}, properties = {} } = {}) => {
      await must([
        'systemd-run',
        '--quiet',
        '--collect',
        `--unit=${unit}`,
        ...(user === undefined ? [] : [`--uid=${user}`]),
        ...(workdir === undefined ? [] : [`--working-directory=${workdir}`]),
        ...Object.entries(env).map(([key, value]) => `--setenv=${key}=${value}`),
        ...Object.entries(properties).map(([key, value]) => `--property=${key}=${value}`),
        ...argv,
      ]);
    },
    unitFile: async (unit, text) => {
      // A unit that systemd has never read is found without a reload, which takes longer than to write it.
      const script = `known=
        for folder in /etc /lib /run; do [ ! -e "$folder/systemd/system/$1" ] || known=1; done
        [ ! -e "/run/systemd/generator.late/$1" ] || known=1
        cat > "/etc/systemd/system/$1"
        [ -z "$known" ] || systemctl daemon-reload`;
      await must(['sh', '-euc', script, 'sh', unit], { input: text });
    },
    unitProcesses,
    limitMemory: async (unit, bytes) => limitMemory(name, unit, await unitProcesses(unit), bytes),
    browser,
    request: task => timed([task.method ?? 'GET', ...task.urls], browser.request(task)),
    traffic: task => {
      const abort = new AbortController();
      const done = background(task, abort.signal);
      // Whoever awaits `done` sees the failure; nobody has to.
      done.catch(() => {});
      return {
        done,
        stop: () => {
          abort.abort();
          return done;
        },
      };
    },
    link: (other, address, otherAddress) => link(pid, other.pid, address, otherAddress),
    until: async (what, check, timeoutMs = 10_000) => {
      const deadline = Date.now() + timeoutMs;
      while (!(await check())) {
        if (Date.now() > deadline) throw new Error(`in ${name}: waited ${timeoutMs} ms for ${what}`);
        await sleep(25);
      }
    },
    recipe: `nsenter -t ${pid} -a -- env HOME=/root TERM="$TERM" bash -l`,
    stop,
  };
}

let cables = 0;

async function link(pid: number, otherPid: number, address: string, otherAddress: string): Promise<void> {
  // Interface names have 15 characters, and both ends are in the machine's namespace for a moment.
  const id = `${process.pid.toString(36)}${(cables++).toString(36)}`;
  const script = `
    ip link add "bl$1" type veth peer name "br$1"
    ip link set "bl$1" netns "$2" name "$6" && ip link set "br$1" netns "$3" name "$6"
    nsenter -t "$2" -n sh -euc 'ip addr add "$1/24" dev "$2"; ip link set "$2" up' sh "$4" "$6"
    nsenter -t "$3" -n sh -euc 'ip addr add "$1/24" dev "$2"; ip link set "$2" up' sh "$5" "$6"`;
  const outcome = await run(['sh', '-euc', script, 'sh', id, String(pid), String(otherPid), address, otherAddress, `lan${cables}`]);
  if (outcome.code !== 0) throw new Error(`cable ${address} – ${otherAddress}: ${outcome.stderr}`);
}

/** Hosts do not survive an interrupted run. What even this misses (SIGKILL) the next start removes. */
function watchForExit(): void {
  if (isWatching) return;
  isWatching = true;
  const destroyAll = (): void => {
    for (const name of live) destroyHost(name);
    live.clear();
    releaseSlots();
    removeEmptyLabFolder();
  };
  process.once('exit', destroyAll);
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.once(signal, () => {
      destroyAll();
      process.exit(code);
    });
  }
}
