import { relative } from 'node:path';
import { rules } from '../core/lint/rules/index.ts';
import { runLint, type LintRun } from '../core/lint/run.ts';
import { newestKnownVersion } from '../core/lint/versions.ts';
import { isPackaged } from '../core/lint/scopes.ts';
import { viewOf } from '../core/lint/view.ts';
import { BadhopError } from '../core/model/error.ts';
import type { LintGap, LintReport } from '../core/model/lint.ts';
import { parseNginxVersion, type NginxVersion } from '../core/parsers/nginx-version.ts';
import { createLocalHost } from '../node/hosts/local.ts';
import { redactText } from '../node/redact/redact.ts';
import { letHeapGrow } from './heap.ts';
import { applyChanges } from './lint-apply.ts';
import { readLintInput, type LintInput } from './lint-input.ts';

/** What a person may ask of a configuration. */
export interface LintQuestion {
  /** A file, a folder, `-`; without it the configuration of the installed nginx. */
  readonly path: string | undefined;
  readonly prefix: string | undefined;
  readonly root: string | undefined;
  readonly nginxVersion: string | undefined;
  readonly upgradeTo: string | undefined;
  /** Put the fixes into the files. */
  readonly apply: boolean;
  readonly version: string;
}

export interface LintAnswer {
  readonly report: LintReport;
  /** Files that were changed; the report is of what they hold now. */
  readonly written: readonly string[];
}

/** Reads a configuration and judges it. */
export async function lint(question: LintQuestion): Promise<LintAnswer> {
  letHeapGrow();
  const installed = question.nginxVersion === undefined || question.path === undefined ? await installedNginx() : undefined;
  const path = question.path ?? installed?.confPath;
  if (path === undefined) throw new BadhopError('config-unreadable', 'no file was named, and no nginx is installed here');
  const input = await readLintInput(path, question);
  const run = judge(input, question, installed);
  if (!question.apply || run.changes.length === 0) return { report: reportOf(input, run, question, installed), written: [] };
  const written = applyChanges(input.config, run.changes, each => input.onDisk(each)).map(shownPath);
  const after = await readLintInput(path, question);
  return { report: reportOf(after, judge(after, question, installed), question, installed), written };
}

async function installedNginx(): Promise<NginxVersion | undefined> {
  const answer = await createLocalHost().exec(['nginx', '-V']);
  return answer.state === 'known' ? parseNginxVersion(answer.value.stderr) : undefined;
}

function judge(input: LintInput, question: LintQuestion, installed: NginxVersion | undefined): LintRun {
  const { config, madeUp } = input;
  const view = viewOf(config, { version: versionOf(question, installed).version, upgradeTo: question.upgradeTo, madeUp });
  return runLint(view, rules, { shownPath: each => shownPath(input.onDisk(each) ?? each), redact: redactText, madeUp });
}

function versionOf({ nginxVersion }: LintQuestion, installed: NginxVersion | undefined): LintReport['nginx'] {
  if (nginxVersion !== undefined) return { version: nginxVersion, from: 'option' };
  return installed?.version === undefined ? { version: newestKnownVersion, from: 'newest-known' } : { version: installed.version, from: 'installed' };
}

function reportOf(input: LintInput, { findings, ignored, gaps, lines }: LintRun, question: LintQuestion, installed: NginxVersion | undefined): LintReport {
  const { config, form, isFragment, madeUp, path } = input;
  const notChecked = [...gaps, ...unreadGaps(input), ...(isFragment ? [fragmentGap] : [])];
  const verdict = findings.length > 0 ? 'findings' : notChecked.some(gap => gap.matters) ? 'inconclusive' : 'clean';
  return {
    schemaVersion: 1,
    tool: { name: 'badhop', version: question.version },
    subject: { path, form, files: config.files.length - madeUp.size, lines },
    nginx: { ...versionOf(question, installed), ...(question.upgradeTo === undefined ? {} : { upgradeTo: question.upgradeTo }) },
    verdict,
    findings,
    ignored,
    notChecked,
  };
}

const fragmentGap: LintGap = {
  what: 'what stands around it',
  why: 'this is a part of a configuration, so what a rule needs from the blocks around it is not known',
  how: 'Give the nginx.conf that includes it.',
  matters: false,
};

function unreadGaps({ config, onDisk }: LintInput): readonly LintGap[] {
  return config.unread.map(({ path, why }) => ({ what: shownPath(onDisk(path) ?? path), why, matters: !isPackaged(path) }));
}

/** From the current folder where it is below it: what editors and review tools take. */
function shownPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near === '' || near.startsWith('..') || near.startsWith('/') ? path : near;
}
