import type { Confidence, Finding, FindingStatus, Subject } from '../src/core/model/finding.ts';
import type { Report, Verdict } from '../src/core/model/report.ts';
import type { BadhopOptions, RunBadhop } from './badhop.ts';
import type { ClientTask } from './client.ts';
import type { HostOptions, LabHost } from './host.ts';

export type FaultId = string;

/**
 * One story on a real host: it works, it breaks in one way, users see it, badhop says why, the fix ends it.
 * The runner checks each of these steps: a break without a symptom fails as much as a wrong diagnosis.
 */
export interface Scenario {
  /** Unique, kebab-case. That of a fault's main scenario is the fault's id. */
  readonly name: string;
  /** What happens, in one sentence. */
  readonly title: string;
  /** `fault`: proves a fault. `twin`: looks the same and is another fault. `healthy`: scary and harmless. */
  readonly kind: 'fault' | 'twin' | 'healthy';
  /** The root cause; absent on a healthy host. */
  readonly fault?: FaultId;
  /** The fault that it must not be taken for. */
  readonly twinOf?: FaultId;
  readonly host?: HostOptions;
  /** Why it cannot be played on this machine, as a sentence: it needs what a machine that runs the lab may lack. */
  obstacle?(): string | undefined;
  /** The request that works, fails, and works again. */
  readonly url?: string;
  /** Status that users see when it is broken, for the default check of the symptom. Default 502. */
  readonly fails?: number;
  /** Background requests while it is broken; default eight a second of `url`, and twelve where `trafficMs` is left out too. `false`: none. */
  readonly traffic?: Partial<ClientTask> | false;
  /** How long the background requests run before the diagnosis; default one second, or 1500 ms with a `traffic` of one's own. */
  readonly trafficMs?: number;
  /** More arguments for `badhop diagnose`. */
  readonly args?: readonly string[];
  /** Whom the diagnosis runs as; default root. */
  readonly runAs?: string;
  /** How else it is started: `{ wrap: ['chroot', '/srv/cell'] }`. */
  readonly run?: BadhopOptions;
  /** The story that diagnoses this very host: here it is not done once more, only `also` and what follows. */
  readonly diagnosedBy?: string;
  setUp(host: LabHost, stage: Stage): Promise<void>;
  /** Replaces the default check before the break: `url` answers with 2xx or 3xx. */
  healthy?(host: LabHost, stage: Stage): Promise<void>;
  breakIt?(host: LabHost, stage: Stage): Promise<void>;
  /** Replaces the default check that users see the break: `url` answers with `fails`. Throws where it is not real. */
  symptom?(host: LabHost, stage: Stage): Promise<void>;
  readonly expect: Expectation;
  /** Further runs of badhop on the broken host, after the diagnosis. Throws where one is not as it should be. */
  also?(host: LabHost, badhop: RunBadhop, stage: Stage): Promise<void>;
  /**
   * The plan of the first finding is applied and must end the symptom: its first one, or the one of that id. `files` are those that it
   * edits, where `diagnosedBy` names the story whose diagnosis has the plan.
   */
  readonly fix?: 'first-plan' | { readonly plan: string; readonly files?: readonly string[] };
  /** The plan is always carried out by badhop itself, and taken back by it: files, owner and mode must be as they were. */
  readonly applies?: true;
  /** Seconds for which nothing may fail after badhop's own change; default 4. One is enough where each request showed the symptom. */
  readonly settle?: number;
  /** What a person does where no plan is applied; afterwards `healthy` must hold again. */
  repair?(host: LabHost, stage: Stage): Promise<void>;
  /** How many of the requests that look after the repair are sent at once; default two. More where the page takes its time and no pool is short. */
  readonly looksAtOnce?: number;
  /** Statuses that some of the requests get after the repair too, because of something else that is wrong or meant so. */
  readonly stillFails?: readonly number[];
  /** After the plan was applied: what somebody does who need not wait until it has its whole effect. */
  afterFix?(host: LabHost): Promise<void>;
}

export interface Stage {
  readonly url: string;
  /** Boots another host of this scenario; it ends with the first. */
  another(options?: HostOptions): Promise<LabHost>;
  /** The first of them; throws where there is none. */
  other(): LabHost;
}

/** A subset of the report: what is not named here is not checked, so that a new fault rewrites no scenario. */
export interface Expectation {
  readonly verdict?: Verdict | readonly Verdict[];
  readonly exitCode?: number;
  /** Fault id of the first finding. */
  readonly first?: FaultId;
  /** Other names that the catalogue leaves open for the same host: one of them may stand first instead. */
  readonly orFirst?: readonly FaultId[];
  readonly firstConfidence?: Confidence | readonly Confidence[];
  readonly status?: FindingStatus;
  readonly subject?: Partial<Subject>;
  /** Share of the failing requests that the first finding explains, at least. */
  readonly minShare?: number;
  /** Each must be among the first finding's consequences. */
  readonly consequences?: readonly FaultId[];
  /** Each piece must stand in the text or the source of the first finding's evidence. */
  readonly evidence?: readonly (string | RegExp)[];
  /** Other findings that must be there, in any place. */
  readonly findings?: readonly (Partial<Pick<Finding, 'confidence' | 'status'>> & { readonly fault: FaultId })[];
  /** None of these may be found as active, with any confidence. */
  readonly notFindings?: readonly FaultId[];
  /** No finding at all may be active. */
  readonly noneActive?: true;
  readonly ruledOut?: readonly FaultId[];
  /** Each must stand in one entry of what was not checked: what, why and how in one line. */
  readonly notChecked?: readonly (string | RegExp)[];
  /** Each must stand in the text or the diff of a change that a symptom is said to fail since. */
  readonly since?: readonly (string | RegExp)[];
  /** None of these may stand in it. */
  readonly notSince?: readonly (string | RegExp)[];
  /** Must stand in what a symptom says of where it shows itself. */
  readonly where?: string | RegExp;
  /** Longest time of the run, the way into the host included. */
  readonly maxMs?: number;
  /** Most memory that badhop may hold, where it could be measured. */
  readonly maxMiB?: number;
  /** Returns what is wrong. */
  check?(report: Report): string[];
}

/** Typed identity, with the defaults of what the kind implies. */
export function defineScenario(scenario: Scenario): Scenario {
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(scenario.name)) throw new Error(`not a scenario name: ${scenario.name}`);
  if ((scenario.kind === 'healthy') !== (scenario.fault === undefined)) throw new Error(`${scenario.name}: a healthy scenario has no fault, any other has one`);
  if (scenario.kind === 'twin' && scenario.twinOf === undefined) throw new Error(`${scenario.name}: a twin says whose`);
  const implied: Expectation = scenario.fault === undefined ? { noneActive: true } : { first: scenario.fault };
  return {
    ...scenario,
    expect: {
      ...implied,
      ...scenario.expect,
      ...(scenario.twinOf !== undefined && { notFindings: [scenario.twinOf, ...(scenario.expect.notFindings ?? [])] }),
    },
  };
}
