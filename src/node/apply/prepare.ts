import { accessSync, constants, lstatSync, readFileSync, realpathSync, type Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { userInfo } from 'node:os';
import { BadhopError } from '../../core/model/error.ts';
import type { ChangeAuthor, ChangeRecord, RecordedCommand, RecordedFile } from '../../core/model/change.ts';
import type { FixPlan } from '../../core/model/finding.ts';
import type { Host } from '../../core/model/host.ts';
import { bytesFromLatin1, latin1FromBytes } from '../../core/parsers/latin1.ts';
import { isKnownCommand, isReload, isTest } from '../../core/changes/commands.ts';
import { managerOf } from '../../core/changes/managed-by.ts';
import { spliceEdits, type EditStep } from '../../core/changes/splice.ts';
import { codeOf, messageOf, randomHex, readWhole, sha256 } from './durable-files.ts';
import type { FileBytes } from './journal-store.ts';
import { identify } from './processes.ts';
import { runCommand } from './run-command.ts';

/** A file of a change with its bytes, and what the written one is to have where that is not what the old one had. */
export interface PreparedFile extends FileBytes {
  readonly owner?: { readonly uid: number; readonly gid: number; readonly mode: number };
}

/** All that is needed to make a change; nothing of the host was touched for it. */
export interface PreparedChange {
  readonly record: ChangeRecord;
  readonly files: readonly PreparedFile[];
  /** Tests that failed before the change: of these it is not asked that they pass after it. */
  readonly failedBefore: ReadonlySet<string>;
  readonly notes: readonly string[];
}

export interface PlanToPrepare {
  readonly plan: FixPlan;
  readonly fault?: string;
  readonly subject?: string;
  readonly toolVersion: string;
  /** The change is made because the server's own test fails: otherwise nothing is touched where it does. */
  readonly mendsTest: boolean;
}

/** Turns a plan into a change of this host as it is now. Throws a BadhopError where it is not to be made. */
export async function prepareFix(host: Host, { plan, fault, subject, toolVersion, mendsTest }: PlanToPrepare): Promise<PreparedChange> {
  if (!plan.automatic) throw refused(`${plan.id} is for a person to carry out`, 'Its steps are printed by `badhop fix`.');
  const notes: string[] = [];
  const edits = new Map<string, EditStep[]>();
  const commands: RecordedCommand[] = [];
  for (const step of plan.steps) {
    if (step.kind === 'manual') notes.push(`Left for you: ${step.text}${step.commands.length === 0 ? '' : ` (${step.commands.join('; ')})`}`);
    else if (step.kind === 'edit') edits.set(step.path, [...(edits.get(step.path) ?? []), step]);
    else {
      const undo = step.undo ?? (isReload(step.argv) && edits.size > 0 ? step.argv : undefined);
      for (const argv of [step.argv, ...(undo === undefined ? [] : [undo])])
        if (!isKnownCommand(argv)) throw refused(`badhop does not run \`${argv.join(' ')}\``);
      const processes = identify(step.argv);
      commands.push({
        argv: step.argv,
        ...(undo === undefined ? {} : { undo }),
        disruptive: step.disruptive,
        ...(processes === undefined ? {} : { processes }),
      });
    }
  }
  const byTarget = new Map<string, { readonly path: string; readonly edits: EditStep[] }>();
  for (const [path, ofPath] of edits) {
    const target = resolveTarget(path);
    // Two names of one file, as a link in sites-enabled makes them, are one file.
    const there = byTarget.get(target);
    if (there === undefined) byTarget.set(target, { path, edits: ofPath });
    else
      there.edits.push(
        ...ofPath.filter(edit => !there.edits.some(other => other.line === edit.line && other.before === edit.before && other.after === edit.after)),
      );
  }
  const prepared = [...byTarget].map(([target, one]) => prepareFile(target, one.path, one.edits, notes));
  const validate = [...plan.validate, ...unitTests([...byTarget.keys()])];
  for (const argv of validate) if (!isTest(argv)) throw refused(`\`${argv.join(' ')}\` is no test of a configuration`);
  const failedBefore = await testBefore(host, validate, mendsTest);
  return {
    record: {
      ...newRecord('fix', toolVersion),
      plan: { id: plan.id, summary: plan.summary, ...(fault === undefined ? {} : { fault }), ...(subject === undefined ? {} : { subject }) },
      files: prepared.map(({ recorded }) => recorded),
      folders: missingFolders(prepared.map(({ recorded }) => dirname(recorded.target))),
      validate,
      commands,
    },
    files: prepared.map(({ before, after }) => ({ before, after })),
    failedBefore,
    notes,
  };
}

/** What every record begins with: id, time and author. */
export function newRecord(kind: ChangeRecord['kind'], toolVersion: string): Pick<ChangeRecord, 'version' | 'id' | 'kind' | 'toolVersion' | 'at' | 'who'> {
  const at = new Date().toISOString();
  const id = `${at.slice(0, 19).replaceAll(/[-:]/g, '')}Z-${randomHex(3)}`;
  return { version: 1, id, kind, toolVersion, at, who: author() };
}

/** What a file is recorded with, as it is now. */
export function recordFile(
  path: string,
  target: string,
  now: { readonly bytes: Uint8Array; readonly stats: Stats } | undefined,
  after: Uint8Array | undefined,
): RecordedFile {
  const before =
    now === undefined
      ? undefined
      : {
          sha256: sha256(now.bytes),
          size: now.bytes.length,
          uid: now.stats.uid,
          gid: now.stats.gid,
          mode: now.stats.mode & 0o7777,
          modifiedMs: now.stats.mtimeMs,
        };
  const keepsInode = now !== undefined && (now.stats.nlink > 1 || isMountPoint(target));
  return {
    path,
    target,
    way: keepsInode && after !== undefined ? 'in-place' : 'rename',
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after: { sha256: sha256(after), size: after.length } }),
  };
}

/** Runs the tests on what stands there now; throws where nginx's own fails and the change is not made for that. */
export async function testBefore(host: Host, validate: readonly (readonly string[])[], mendsTest: boolean): Promise<ReadonlySet<string>> {
  const failed = new Set<string>();
  for (const argv of validate) {
    const { ok, text } = await runCommand(host, argv);
    if (ok) continue;
    if (!mendsTest && !isUnitTest(argv))
      throw refused(`The configuration fails its test before any change: ${text}`, 'Mend that first; badhop does not add to it.');
    failed.add(argv.join('\0'));
  }
  return failed;
}

/** systemd's test complains of much that was there before; what it said before it may say again. */
export function isUnitTest(argv: readonly string[]): boolean {
  return argv[0] === 'systemd-analyze';
}

function prepareFile(target: string, path: string, edits: readonly EditStep[], notes: string[]) {
  let now: ReturnType<typeof readWhole>;
  try {
    now = readWhole(target);
    accessSync(nearestFolder(dirname(target)), constants.W_OK);
  } catch (error) {
    const code = codeOf(error);
    const why = code === 'EROFS' ? 'its file system is read-only' : code === 'EACCES' || code === 'EPERM' ? 'this user may not write there' : messageOf(error);
    throw refused(
      `${path}: ${why}`,
      code === 'EROFS' ? 'Find out why it is mounted read-only; a remount after errors hides a broken disk.' : 'Run as root.',
      error,
    );
  }
  const text = now === undefined ? undefined : latin1FromBytes(now.bytes);
  const made = spliceEdits(text, edits);
  if (made.state === 'refused') throw refused(made.why, 'It was changed since the diagnosis. `badhop fix` looks again.');
  const manager = text === undefined ? undefined : managerOf(text);
  if (manager !== undefined) notes.push(`${path} says that ${manager} manages it: make the same change there, or its next run takes this one back.`);
  const after = bytesFromLatin1(made.after);
  return { recorded: recordFile(path, target, now, after), before: now?.bytes, after };
}

/** A drop-in is tested by loading its unit. */
function unitTests(targets: readonly string[]): readonly (readonly string[])[] {
  const units = targets.flatMap(target => /^\/(?:etc|run)\/systemd\/system\/([^/]+)\.d\/[^/]+\.conf$/.exec(target)?.[1] ?? []);
  return [...new Set(units)].map(unit => ['systemd-analyze', 'verify', '--man=no', unit]);
}

/** The file behind the links of a path; of one that is not there, behind those of its folders. */
function resolveTarget(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw refused(`${path}: ${messageOf(error)}`, undefined, error);
  }
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) throw refused(`${path} is a link that leads nowhere`);
  const folder = dirname(path);
  return join(folder === path ? folder : resolveTarget(folder), basename(path));
}

function nearestFolder(folder: string): string {
  return folder === dirname(folder) || lstatSync(folder, { throwIfNoEntry: false }) !== undefined ? folder : nearestFolder(dirname(folder));
}

function missingFolders(folders: readonly string[]): readonly string[] {
  const missing = new Set<string>();
  for (const folder of folders) {
    for (let at = folder; at !== dirname(at) && lstatSync(at, { throwIfNoEntry: false }) === undefined; at = dirname(at)) missing.add(at);
  }
  return [...missing].sort((a, b) => a.length - b.length);
}

/** A single file that is mounted, as containers do it, cannot be replaced by another. */
function isMountPoint(path: string): boolean {
  try {
    const escaped = path.replaceAll(/[ \t\n\\]/g, char => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
    return readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${escaped} `);
  } catch {
    return false;
  }
}

function author(): ChangeAuthor {
  const uid = process.getuid?.() ?? 0;
  const sudoUser = process.env['SUDO_USER'];
  return { uid, user: userName(uid), ...(sudoUser === undefined || sudoUser === '' ? {} : { sudoUser: sudoUser.slice(0, 64) }) };
}

function userName(uid: number): string {
  try {
    return userInfo().username;
  } catch {
    return String(uid);
  }
}

function refused(message: string, hint?: string, cause?: unknown): BadhopError {
  return new BadhopError('change-refused', message, { cause, ...(hint === undefined ? {} : { hint }) });
}
