import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { FixReport } from '../../core/model/changes-report.ts';
import { BadhopError } from '../../core/model/error.ts';
import type { Report, Verdict } from '../../core/model/report.ts';
import { escapeText } from '../../core/reporters/text.ts';
import type { CommandContext } from '../command-context.ts';
import { createProgress } from '../progress.ts';
import { parseSince, type Since } from '../since.ts';
import { chooseState, stateOption } from '../state-option.ts';
import { parseWidth } from '../width.ts';
import { printChanges } from '../print-changes.ts';

interface FixOptions {
  readonly apply?: boolean;
  readonly report?: string;
  readonly since?: Since;
  readonly settle: number;
  readonly probe: boolean;
  readonly format: 'terminal' | 'json';
  readonly state?: string;
  readonly color: boolean;
  readonly width?: number;
}

const examples = `
Examples:
  badhop fix                                 show the plans for the root cause: diff, commands, risk
  badhop fix --apply                         carry the first of them out, watch, and take it back if it does not help
  badhop fix socket-permission-denied        the plans for that fault
  badhop fix raise-worker-count --apply      name the plan where it cuts requests off
  badhop undo                                take the last change back

A change is written down first, tested before anything takes it up (nginx -t and the like), and watched for the settling time.
Whatever fails on the way, it is taken back by itself; after a kill or a power cut the next badhop does it.
Exit codes: 0 nothing to fix, or it is fixed; 1 plans were shown, or a change was taken back; 2 it was not applied; 3 it cannot be
told whether it helped.`;

const verdictCodes: Readonly<Record<Verdict, number>> = { healthy: 0, recovered: 0, failing: 1, 'at-risk': 1, inconclusive: 3 };
const mostReportBytes = 256 * 1024 * 1024;
const longestSettle = 600;

/** `badhop fix`: shows the plans for what was found, and carries them out where that is asked for. */
export function addFix(program: Command, context: CommandContext): Command {
  return program
    .command('fix')
    .description('show the plans for what is broken, and with --apply carry them out, guarded')
    .argument('[finding...]', 'ids of faults or plans; without any, the plans for the root cause')
    .option('--apply', 'carry out what badhop may: written down, tested, watched, and taken back where it does not help')
    .option('--report <file>', 'take the plans from an earlier `badhop diagnose --format json`')
    .option('--since <when>', 'how far back to look: 90s, 10m, 2h, 1d, or an ISO time (default: 15m)', (text: string) => parseSince(text))
    .option('--settle <seconds>', 'how long nothing may fail before a change counts as good', parseSettle, 20)
    .option('--no-probe', 'only read; ask no backend anything')
    .addOption(new Option('--format <format>', 'form of the report').choices(['terminal', 'json']).default('terminal'))
    .addOption(stateOption())
    .option('--no-color', 'plain text (also: the NO_COLOR variable)')
    .option('--width <columns>', 'width of the report (default: the terminal)', parseWidth)
    .addHelpText('after', examples)
    .action(async (names: readonly string[], options: FixOptions) => {
      const earlier = options.report === undefined ? undefined : await readReport(options.report);
      const progress = createProgress(process.stderr, process.env);
      progress.show('starting');
      let report: FixReport;
      try {
        const { fixLocal } = await import('../compose-fix.ts');
        report = await fixLocal({
          names,
          apply: options.apply === true,
          since: options.since,
          probing: options.probe,
          settleMs: options.settle * 1000,
          earlier,
          version: context.version,
          state: chooseState(options.state),
          onProgress: stage => progress.show(stage),
          confirm: question => {
            progress.end();
            return confirm(question);
          },
        });
      } finally {
        progress.end();
      }
      await printChanges(report, options);
      context.finish(codeOf(report, options.apply === true));
    });
}

function codeOf({ results, plans, verdict }: FixReport, isApplied: boolean): number {
  const outcome = results.at(-1)?.result.outcome;
  switch (outcome) {
    case undefined:
      // A plan that was asked for and is not badhop's to carry out leaves the fault where it was.
      return isApplied && plans.length > 0 ? 1 : verdictCodes[verdict];
    case 'applied':
      return 0;
    case 'unverified':
      return 3;
    case 'rolled-back':
    case 'roll-back-failed':
      return 1;
    case 'refused':
      return 2;
  }
}

/** Only a person who sees the question can say yes. */
async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false;
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await asking.question(`${escapeText(question)} [yes/no] `);
    return /^\s*y(?:es)?\s*$/i.test(answer);
  } finally {
    asking.close();
  }
}

function parseSettle(text: string): number {
  const seconds = Number(text);
  if (!/^\d{1,3}$/.test(text) || seconds < 1 || seconds > longestSettle) throw new InvalidArgumentError(`give whole seconds from 1 to ${longestSettle}`);
  return seconds;
}

async function readReport(path: string): Promise<Report> {
  const hint = 'Make one with `badhop diagnose --format json > FILE`.';
  let value: unknown;
  try {
    const text = await readFile(path, 'utf8');
    if (text.length > mostReportBytes) throw new Error('it is too large');
    value = JSON.parse(text);
  } catch (error) {
    throw new BadhopError('usage', `--report ${path}: ${error instanceof Error ? error.message : 'it cannot be read'}`, { cause: error, hint });
  }
  if (!isReport(value)) throw new BadhopError('usage', `--report ${path}: this is no report of badhop diagnose`, { hint });
  return value;
}

/** So much of the form as is needed to show its plans. None of them is carried out from here. */
function isReport(value: unknown): value is Report {
  if (!isObject(value) || value['schemaVersion'] !== 1 || typeof value['startedAt'] !== 'string' || typeof value['summary'] !== 'string') return false;
  if (typeof value['verdict'] !== 'string' || !Object.hasOwn(verdictCodes, value['verdict']) || !Array.isArray(value['findings'])) return false;
  return value['findings'].every(isFinding);
}

function isFinding(value: unknown): boolean {
  if (!isObject(value) || !isObject(value['subject']) || !isList(value['subject']['peers'], isText) || !isList(value['consequences'], isText)) return false;
  const texts = [value['fault'], value['title'], value['confidence'], value['status'], value['subject']['id'], value['subject']['name']];
  return texts.every(isText) && isList(value['fixes'], isPlan);
}

function isPlan(value: unknown): boolean {
  if (!isObject(value) || ![value['id'], value['summary'], value['risk'], value['verify']].every(isText) || typeof value['minutes'] !== 'number') return false;
  return typeof value['automatic'] === 'boolean' && isList(value['validate'], words => isList(words, isText)) && isList(value['steps'], isStep);
}

function isStep(value: unknown): boolean {
  if (!isObject(value)) return false;
  switch (value['kind']) {
    case 'edit':
      return (
        [value['path'], value['before'], value['after'], value['diff']].every(isText) && (value['line'] === undefined || typeof value['line'] === 'number')
      );
    case 'command':
      return isList(value['argv'], isText) && isText(value['why']) && typeof value['disruptive'] === 'boolean';
    case 'manual':
      return isText(value['text']) && isList(value['commands'], isText);
    default:
      return false;
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isList(value: unknown, check: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(check);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
