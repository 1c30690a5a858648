import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tidyRecording } from './recording.ts';
import { mayFail } from '../src/core/changes/commands.ts';
import type { FixPlan, FixStep } from '../src/core/model/finding.ts';
import type { Report } from '../src/core/model/report.ts';
import { failedIn, watchTraffic, worksAgain, type GoodTime } from './afterwards.ts';
import { applyWithBadhop, filesOf, snapshotOf, undoWithBadhop, type PlanToCarryOut } from './applier.ts';
import { runBadhop } from './badhop.ts';
import type { BadhopRun } from './badhop.ts';
import type { ClientResult } from './client.ts';
import { digest, mismatches } from './expectation.ts';
import { REPOSITORY, bootHost, nodeBinary } from './host.ts';
import type { HostOptions, LabHost, Traffic } from './host.ts';
import { sleep } from './process.ts';
import type { Scenario, Stage } from './scenario.ts';

export interface RunnerOptions {
  /** Default true; false proves set-up, break, symptom and repair alone. */
  readonly diagnose?: boolean;
  /** Leaves the host running, broken. */
  readonly keep?: boolean;
  /** Runs src/cli/bin.ts as it is instead of the built program. */
  readonly fromSource?: boolean;
  /** Also records a bundle of the broken host into test/scenarios/NAME. */
  readonly record?: boolean;
  /** Lets badhop itself carry the plan out, and take it back in the end; otherwise the runner does what a person would. */
  readonly apply?: boolean;
  /** Told when a step begins. */
  readonly onStep?: (step: string) => void;
}

export interface RunnerResult {
  readonly scenario: Scenario;
  /** Undefined where all is as expected. */
  readonly failure?: string;
  /** The step that failed. */
  readonly failedAt?: string;
  /** Milliseconds of each step that ran; `boot` is without `wait`, the time until it was this scenario's turn. */
  readonly times: Readonly<Record<string, number>>;
  readonly report?: Report;
  /** From the start of the diagnosis to its end, the way into the host included. */
  readonly diagnosisMs?: number;
  /** What badhop held at most in memory. */
  readonly maxMiB?: number;
  /** The host, where it was kept. */
  readonly host?: LabHost;
  /** Commands and requests in its hosts that took ten seconds or more. */
  readonly slow?: readonly string[];
  /** Answers that the background requests got, from the break to the end. */
  readonly traffic?: ClientResult;
  /** What badhop carried out itself. */
  readonly applied?: AppliedPlan;
}

/** A plan that badhop carried out, what it saw of it, and whether it took it back to the byte. */
export interface AppliedPlan {
  readonly plan: string;
  /** Of the access log; absent where there was no traffic to count. */
  readonly before?: { readonly requests: number; readonly failed: number };
  readonly after?: { readonly requests: number; readonly failed: number };
  readonly undone: boolean;
}

const BUILT = join(REPOSITORY, 'dist', 'cli', 'bin.js');
const SOURCE = join(REPOSITORY, 'src', 'cli', 'bin.ts');

/** Plays a scenario from boot to repair. Never throws; whatever happens, no host is left behind unless it is to be kept. */
export async function runScenario(scenario: Scenario, options: RunnerOptions = {}): Promise<RunnerResult> {
  const { diagnose = true, keep = false, record = false, fromSource = false, apply = false, onStep = () => {} } = options;
  const program = fromSource ? SOURCE : BUILT;
  const times: Record<string, number> = {};
  const url = scenario.url ?? 'http://127.0.0.1/';
  const hosts: LabHost[] = [];
  let bootedMs = 0;
  let step = 'boot';
  let report: Report | undefined;
  let diagnosisMs: number | undefined;
  let maxMiB: number | undefined;
  let traffic: Traffic | undefined;
  let applied: AppliedPlan | undefined;
  let goodTime: GoodTime | undefined;

  const boot = async (hostOptions: HostOptions): Promise<LabHost> => {
    const host = await bootHost(hostOptions);
    hosts.push(host);
    return host;
  };
  const stage: Stage = {
    url,
    another: (hostOptions = {}) => boot({ hostname: 'app1', ...hostOptions, keep, withoutSlot: true }),
    other: () => {
      const [, second] = hosts;
      if (second === undefined) throw new Error('the scenario has one host');
      return second;
    },
  };
  const take = async <T>(name: string, action: () => Promise<T> | undefined): Promise<T | undefined> => {
    step = name;
    onStep(name);
    const started = performance.now();
    const result = await action();
    times[name] = Math.round(performance.now() - started);
    return result;
  };
  const healthy = async (host: LabHost): Promise<void> => {
    if (scenario.healthy) await scenario.healthy(host, stage);
    else await expectAnswer(host, url, status => status >= 200 && status < 400);
  };
  // The background requests go on: what breaks under load must hold under load.
  const again = async (host: LabHost): Promise<void> => {
    await worksAgain(scenario, host, stage, () => healthy(host));
    goodTime = await watchTraffic(scenario);
  };
  const carryOut = async (host: LabHost, plan: PlanToCarryOut): Promise<void> => {
    const before = await snapshotOf(host, plan);
    const fixed = await take('apply', () => applyWithBadhop(program, host, plan, scenario));
    const last = fixed?.results.at(-1);
    if (report === undefined && last?.fault !== scenario.fault) throw new Error(`it was carried out for ${last?.fault}`);
    const { before: failedBefore, after } = last?.result.verification ?? {};
    applied = { plan: plan.id, ...(failedBefore && { before: failedBefore }), ...(after && { after }), undone: false };
    await scenario.afterFix?.(host);
    await take('healthy again', () => again(host));
    await take('undo', () => undoWithBadhop(program, host, plan, before));
    applied = { ...applied, undone: true };
  };
  const play = async (): Promise<void> => {
    const asked = performance.now();
    const onTurn = (): void => {
      times['wait'] = Math.round(performance.now() - asked);
    };
    const host = await take('boot', () => boot({ ...scenario.host, keep, onTurn }));
    times['boot'] = (times['boot'] ?? 0) - (times['wait'] ?? 0);
    if (host === undefined) return;
    host.browser.open();
    // The host's journal takes in the kernel log of the machine in its first moments, as if it were new.
    bootedMs = Date.now() + 1500;
    await take('set-up', () => scenario.setUp(host, stage));
    await take('healthy', () => healthy(host));
    await take('break', () => scenario.breakIt?.(host, stage));
    if (scenario.traffic !== false) traffic = host.traffic({ urls: [url], rps: isPlain(scenario) ? 12 : 8, seconds: 120, ...scenario.traffic });
    const seen = await take('traffic', () => duringTraffic(scenario, host, stage));
    // What comes on slowly is looked for once more.
    if (!seen) await take('symptom', () => checkSymptom(scenario, host, stage));
    if (record) await take('record', () => recordBundle(program, scenario, host, bootedMs));
    if (diagnose && scenario.diagnosedBy === undefined) {
      const result = await take('diagnose', () => runDiagnosis(program, scenario, host));
      report = result?.report;
      diagnosisMs = result?.run.ms;
      maxMiB = result?.run.maxMiB;
      step = 'expectations';
      if (result) {
        const wrong = mismatches(scenario.expect, result.report, result.run.exitCode, result.run);
        if (wrong.length > 0) throw new Error(`${wrong.map(text => `- ${text}`).join('\n')}\n${digest(result.report)}`);
      }
    }
    if (diagnose) await take('also', () => scenario.also?.(host, (args, how) => runBadhop(program, host, args, how), stage));
    if (keep) return;
    const plans = report?.findings[0]?.fixes ?? [];
    const { fix } = scenario;
    // Another story judges the diagnosis of this host: badhop makes its own before it changes anything.
    if (diagnose && scenario.diagnosedBy !== undefined && scenario.applies === true && typeof fix === 'object')
      return carryOut(host, { id: fix.plan, files: fix.files ?? [] });
    if (report && fix !== undefined) {
      step = 'fix';
      const plan = fix === 'first-plan' ? plans[0] : plans.find(one => one.id === fix.plan);
      if (plan === undefined) throw new Error(`no such plan among ${plans.map(one => one.id).join(', ') || 'none'}`);
      if (plan.automatic && (apply || scenario.applies === true)) return carryOut(host, { id: plan.id, files: filesOf(plan) });
      await take('fix', () => applyPlan(host, plan));
      await scenario.afterFix?.(host);
    } else if (scenario.repair) await take('repair', () => scenario.repair?.(host, stage));
    else return;
    await take('healthy again', () => again(host));
  };

  let failure: string | undefined;
  try {
    await play();
  } catch (error) {
    failure = `${step}: ${error instanceof Error ? error.message : String(error)}`;
  }
  const seen = await traffic?.stop().catch(() => undefined);
  const failed = seen === undefined || goodTime === undefined ? undefined : failedIn(scenario, seen, goodTime);
  if (failure === undefined && failed !== undefined) {
    step = 'healthy again';
    failure = `${step}: ${failed}`;
  }
  const [first] = hosts;
  const slow = hosts.flatMap(host => host.slow);
  if (!keep) for (const host of hosts.toReversed()) await host.stop();
  return {
    scenario,
    times,
    ...(failure !== undefined && { failure, failedAt: step }),
    ...(report && { report }),
    ...(diagnosisMs !== undefined && { diagnosisMs }),
    ...(maxMiB !== undefined && { maxMiB }),
    ...(slow.length > 0 && { slow }),
    ...(seen && { traffic: seen }),
    ...(applied && { applied }),
    ...(keep && first && { host: first }),
  };
}

async function expectAnswer(host: LabHost, url: string, accept: (status: number) => boolean): Promise<void> {
  const { responses } = await host.request({ urls: [url], timeoutMs: 30_000 });
  const [response] = responses;
  if (response !== undefined && accept(response.status)) return;
  const said = response === undefined ? 'nothing' : response.error || `${response.status} ${response.body.slice(0, 200)}`;
  const log = await host.exec(['tail', '-qn', '4', '/var/log/nginx/error.log']);
  throw new Error(`${url} answered ${said}\n${log.stdout}`);
}

/** A dozen requests of one page are enough where a scenario asks for nothing else: then they come faster, and in less time. */
function isPlain({ traffic, trafficMs }: Scenario): boolean {
  return traffic === undefined && trafficMs === undefined;
}

/** Lets the background requests run; in the second half a user looks too, and the return value is whether the break was seen. */
async function duringTraffic(scenario: Scenario, host: LabHost, stage: Stage): Promise<boolean> {
  const ms = scenario.trafficMs ?? (isPlain(scenario) ? 1000 : 1500);
  const look = async (): Promise<boolean> => {
    await sleep(ms / 2);
    if (scenario.symptom) return false;
    return checkSymptom(scenario, host, stage).then(
      () => true,
      () => false,
    );
  };
  const [seen] = await Promise.all([look(), sleep(ms)]);
  return seen;
}

/** At least one of five requests shows it: round robin may send a single one to a good peer. */
async function checkSymptom(scenario: Scenario, host: LabHost, stage: Stage): Promise<void> {
  if (scenario.symptom) return scenario.symptom(host, stage);
  if (scenario.kind === 'healthy') return;
  const status = scenario.fails ?? 502;
  const { counts } = await host.request({ urls: [stage.url], count: 5, timeoutMs: 70_000 });
  if (!counts[status]) throw new Error(`nobody got a ${status}: ${JSON.stringify(counts)}`);
}

async function runDiagnosis(program: string, scenario: Scenario, host: LabHost): Promise<{ report: Report; run: BadhopRun }> {
  const done = await runBadhop(program, host, ['diagnose', '--format', 'json', ...(scenario.args ?? [])], {
    ...(scenario.runAs !== undefined && { user: scenario.runAs }),
    ...scenario.run,
  });
  if (done.report) return { report: done.report, run: done };
  throw new Error(`badhop printed no report (exit code ${done.exitCode}):\n${(done.stdout + done.stderr).slice(-3000)}`);
}

async function recordBundle(program: string, scenario: Scenario, host: LabHost, bootedMs: number): Promise<void> {
  const inside = '/tmp/badhop-record';
  await host.browser.close();
  await host.run([nodeBinary(), program, 'collect', '--out', inside, ...(scenario.args ?? [])], { timeoutMs: 120_000 });
  const target = join(REPOSITORY, 'test', 'scenarios', scenario.name);
  rmSync(target, { recursive: true, force: true });
  // No symbolic link stands in this path, which would lead back to the machine's own files.
  cpSync(`/proc/${host.pid}/root${inside}`, target, { recursive: true, verbatimSymlinks: true });
  tidyRecording(target, REPOSITORY, bootedMs);
  const { verdict, first, firstConfidence, status } = scenario.expect;
  const finding = {
    ...(first !== undefined && { fault: first }),
    ...(typeof firstConfidence === 'string' && { confidence: firstConfidence }),
    ...(status !== undefined && { status }),
  };
  const expected = { ...(typeof verdict === 'string' && { verdict }), ...(first !== undefined && { findings: [finding] }) };
  writeFileSync(join(target, 'expect.json'), `${JSON.stringify(expected, undefined, 2)}\n`);
}

/** The file after the step. What stands at the step's line counts before the same text elsewhere; an empty `before` makes a new file. */
function edited({ path, line, before, after }: Extract<FixStep, { kind: 'edit' }>, text: string | undefined): string {
  if (before === '' && text === undefined) return after;
  const lineStart =
    line === undefined
      ? 0
      : (text ?? '')
          .split('\n')
          .slice(0, line - 1)
          .join('\n').length + (line > 1 ? 1 : 0);
  const at = text?.startsWith(before, lineStart) === true ? lineStart : (text?.indexOf(before) ?? -1);
  if (text === undefined || at < 0 || before === '') throw new Error(`${path} does not hold what the plan expects: ${before}`);
  return text.slice(0, at) + after + text.slice(at + before.length);
}

/** Does what a plan says, as the person would who reads it: edits where the text is as expected, then the commands in order. */
export async function applyPlan(host: LabHost, plan: FixPlan): Promise<void> {
  const checkFirst = async (): Promise<void> => {
    for (const argv of plan.validate) await host.run(argv);
  };
  let isChecked = false;
  for (const step of plan.steps) {
    if (step.kind === 'edit') {
      const { code, stdout } = await host.exec(['cat', step.path]);
      const input = edited(step, code === 0 ? stdout : undefined);
      await host.shell('mkdir -p "$(dirname "$1")" && cat > "$1"', [step.path], { input });
    } else {
      // Everything is validated between the last edit and the first command.
      if (!isChecked) await checkFirst();
      isChecked = true;
      if (step.kind === 'command') await (mayFail(step.argv) ? host.exec(step.argv) : host.run(step.argv));
    }
  }
}
