import { askAll, defineCollector } from '../model/collector.ts';
import type { Request } from '../model/collector.ts';
import { known, valueOr } from '../model/fact.ts';
import type { Known } from '../model/fact.ts';
import type { BackendCommand, BackendConfig, Sourced } from '../model/facts/backend.ts';
import type { SystemdUnit } from '../model/facts/system.ts';
import type { Address } from '../model/host.ts';
import { readApacheCommand } from '../parsers/apache-start.ts';
import type { ApacheCommand } from '../parsers/apache-start.ts';
import { parseBackendConfigFile } from '../parsers/backend-config-file.ts';
import { parseExecStart, recogniseCommand } from '../parsers/backend-command.ts';
import type { RecognisedCommand } from '../parsers/backend-command.ts';
import { allOf, configFilesOf, freeKey, listenOf, readBackendOptions } from '../parsers/backend-options.ts';
import type { Values } from '../parsers/backend-options.ts';
import { resolvePath } from '../parsers/listen-address.ts';
import { parseListeningLine } from '../parsers/listening-line.ts';
import { readApacheTree } from './apache-files.ts';
import type { ApacheTree } from './apache-files.ts';
import { textOf } from './shared/answers.ts';
import { pidsInContainers } from './shared/containers.ts';
import { gunicornOptions } from './shared/gunicorn-options.ts';

const maxCommands = 2000;
const maxFiles = 200;
const maxApaches = 20;
const fileLimit = { limit: 524_288 } as const;

/** A command with what its own words say, before its files are read. */
interface Draft {
  readonly of: BackendCommand['of'];
  readonly recognised: RecognisedCommand;
  readonly values: Values;
  readonly folder: string | undefined;
  readonly files: readonly string[];
  readonly app: string | undefined;
  /** Where the journal of its unit says that it listened, for programs whose address is in their code. */
  readonly told?: Sourced<Address> | undefined;
  /** Of Apache, whose files are found by including each other. */
  readonly apache?: ApacheCommand;
}

export default defineCollector({
  id: 'backend-configs',
  title: 'Command lines of backends and the files they name',
  needs: ['processes', 'systemd-units'],
  *collect(facts) {
    if (facts.processes.state !== 'known' && facts['systemd-units'].state !== 'known') return facts.processes;
    const problems: string[] = [];
    const drafts: Draft[] = [];
    for (const process of valueOr(facts.processes, []).slice(0, 50_000)) {
      if (process.state === 'Z' || process.argv.length === 0) continue;
      const recognised = recogniseCommand(process.argv, 'process', process.exe) ?? other(process.argv);
      const draft = draftOf({ kind: 'process', pid: process.pid }, recognised, process.cwd, `argv of ${process.pid}`);
      drafts.push({ ...draft, ...apacheOf(draft, process.argv, process.exe === undefined ? {} : { exe: process.exe }) });
    }
    for (const unit of valueOr(facts['systemd-units'], [])) {
      const argv = parseExecStart(unit.execStart ?? '');
      if (argv.length === 0) continue;
      const recognised = recogniseCommand(argv, 'unit') ?? other(argv);
      const draft = draftOf({ kind: 'unit', unit: unit.name }, recognised, unit.workingDirectory ?? '/', `unit:${unit.name}`);
      drafts.push({ ...draft, told: toldByJournal(unit), ...apacheOf(draft, argv, { unit: unit.name }) });
    }
    // Programs that nobody knows and that tell no address are not worth keeping.
    const kept = drafts.filter(
      draft =>
        draft.recognised.service !== 'other' || draft.told !== undefined || listenOf('other', draft.values, draft.recognised.args, draft.folder).length > 0,
    );
    if (kept.length > maxCommands) problems.push(`Only the first ${maxCommands} of ${kept.length} command lines were read.`);
    const used = kept.slice(0, maxCommands);

    const contained = yield* pidsInContainers(used.flatMap(draft => (draft.of.kind === 'process' ? [draft.of.pid] : [])));
    const isContained = (draft: Draft): boolean => draft.of.kind === 'process' && contained.has(draft.of.pid);
    const named = [...new Set(used.filter(draft => !isContained(draft)).flatMap(draft => draft.files))];
    // A relative path means nothing without the working directory of the process.
    const paths = named.filter(path => path.startsWith('/')).slice(0, maxFiles);
    const answers = yield* askAll(paths.map(path => ({ kind: 'read', path, options: fileLimit }) as const));
    const texts = new Map<string, string>();
    const unread = named.filter(path => !path.startsWith('/')).map(path => ({ path, why: 'the working directory of its process cannot be read' }));
    for (const [index, path] of paths.entries()) {
      const answer = answers[index];
      const text = textOf(answer);
      if (text !== undefined) texts.set(path, text);
      else if (answer !== undefined && answer.state !== 'known' && answer.state !== 'absent') unread.push({ path, why: answer.why });
    }
    const included = yield* uwsgiIncludes(
      used.filter(draft => draft.recognised.service === 'uwsgi' && !isContained(draft)),
      texts,
      unread,
    );
    for (const file of unread) problems.push(`${file.path}: ${file.why} (run as root to read it)`);

    const trees = yield* apacheTrees(used.filter(draft => !isContained(draft)));
    for (const tree of trees.values()) {
      if (tree === undefined) continue;
      unread.push(...tree.unread);
      problems.push(...tree.problems.slice(0, 20), ...tree.unread.map(file => `${file.path}: ${file.why} (run as root to read it)`));
    }
    const unitOf = new Map(valueOr(facts.processes, []).map(process => [process.pid, process.unit]));
    const unitName = ({ of }: Draft): string => (of.kind === 'unit' ? of.unit : (unitOf.get(of.pid) ?? ''));
    const gunicorns = new Set(used.filter(draft => draft.recognised.service === 'gunicorn' && !isContained(draft)).map(unitName));
    const handed = yield* gunicornOptions(valueOr(facts['systemd-units'], []).filter(unit => gunicorns.has(unit.name)));
    const files: BackendConfig[] = [];
    const commands = used.map(draft => {
      if (isContained(draft)) return { ...finish(draft, [], []), inContainer: true };
      const tree = draft.apache === undefined ? undefined : trees.get(JSON.stringify(draft.apache));
      if (tree !== undefined) return finish(draft, [tree.values], tree.files);
      const read = [...draft.files.flatMap(path => included.get(path) ?? []), ...draft.files].filter(path => texts.has(path));
      const settings = read.map(path => ({ path, values: parseBackendConfigFile(draft.recognised.service, texts.get(path) ?? '', path) }));
      for (const { path, values } of settings) if (!files.some(file => file.path === path)) files.push({ path, kind: draft.recognised.service, values });
      const inUnit = draft.recognised.service === 'gunicorn' ? handed.get(unitName(draft)) : undefined;
      const values = settings.map(setting => setting.values);
      return finish(draft, inUnit === undefined ? values : [...values, inUnit], read);
    });
    return known({ commands, files, unread }, problems);
  },
});

const mostIncludes = 50;

/**
 * The files that uWSGI's files name (`ini =`, `include =`, `inherit =`), by the file that begins it. What the naming file says itself
 * wins: uWSGI's own order hangs on where the line stands.
 */
function* uwsgiIncludes(
  drafts: readonly Draft[],
  texts: Map<string, string>,
  unread: { path: string; why: string }[],
): Generator<readonly Request[], ReadonlyMap<string, readonly string[]>, readonly Known<unknown>[]> {
  const found = new Map<string, string[]>();
  for (const draft of drafts)
    for (const first of draft.files) {
      if (found.has(first)) continue;
      const named: string[] = [];
      found.set(first, named);
      let next = [first];
      for (let depth = 0; depth < 4 && next.length > 0; depth++) {
        const wanted = next.flatMap(path => {
          const values = parseBackendConfigFile('uwsgi', texts.get(path) ?? '', path);
          const paths = ['ini', 'include', 'inherit', 'yaml', 'yml'].flatMap(name => allOf(values, name).map(item => item.value));
          return paths.filter(one => !/[%$@]\(|:\/\//.test(one) && one !== '').map(one => resolvePath(one, draft.folder));
        });
        next = [...new Set(wanted)].filter(path => path.startsWith('/') && path !== first && !named.includes(path)).slice(0, mostIncludes - named.length);
        const answers = yield* askAll(next.map(path => ({ kind: 'read', path, options: fileLimit }) as const));
        for (const [index, path] of next.entries()) {
          const answer = answers[index];
          const text = textOf(answer);
          if (text !== undefined) texts.set(path, text);
          else if (answer !== undefined && answer.state !== 'known' && answer.state !== 'absent') unread.push({ path, why: answer.why });
        }
        named.unshift(...next);
      }
    }
  return found;
}

function apacheOf(draft: Draft, argv: readonly string[], place: { readonly unit?: string; readonly exe?: string }): { readonly apache?: ApacheCommand } {
  if (draft.recognised.service !== 'apache') return {};
  return { apache: readApacheCommand(argv, { ...place, ...(draft.folder === undefined ? {} : { folder: draft.folder }) }) };
}

/** Children have their parent's command line: what each start reads is read once. */
function* apacheTrees(drafts: readonly Draft[]): Generator<readonly Request[], ReadonlyMap<string, ApacheTree | undefined>, readonly Known<unknown>[]> {
  const trees = new Map<string, ApacheTree | undefined>();
  for (const { apache } of drafts) {
    const key = apache === undefined ? '' : JSON.stringify(apache);
    if (apache !== undefined && !trees.has(key) && trees.size < maxApaches) trees.set(key, yield* readApacheTree(apache));
  }
  return trees;
}

/** The last line in which the program itself said where it listens. */
function toldByJournal(unit: SystemdUnit): Sourced<Address> | undefined {
  for (const line of unit.journal.toReversed()) {
    const address = line.identifier === 'systemd' ? undefined : parseListeningLine(line.text);
    if (address !== undefined) return { value: address, source: `journal:${unit.name}` };
  }
  return undefined;
}

function other(argv: readonly string[]): RecognisedCommand {
  return { service: 'other', role: 'any', args: argv.slice(1) };
}

function draftOf(of: BackendCommand['of'], recognised: RecognisedCommand, folder: string | undefined, source: string): Draft {
  const { values, words } = readBackendOptions(recognised.service, recognised.args, source);
  const binds: Record<string, Sourced<string>> = {};
  for (const bind of recognised.binds ?? []) binds[freeKey(binds, 'bind')] = { value: bind, source: `title of ${of.kind === 'process' ? of.pid : of.unit}` };
  const all = { ...values, ...binds };
  return { of, recognised, values: all, folder, files: configFilesOf(recognised.service, all, words, folder), app: recognised.app ?? appOf(recognised, words) };
}

/** The application, script or archive: the first word that is no option's value. */
function appOf(recognised: RecognisedCommand, words: readonly string[]): string | undefined {
  if (recognised.service === 'java') {
    const jar = recognised.args.indexOf('-jar');
    if (jar >= 0) return recognised.args[jar + 1];
  }
  return ['gunicorn', 'uvicorn', 'node', 'other'].includes(recognised.service) ? words[0] : undefined;
}

/** For uWSGI files and options add up; elsewhere the command line wins over the file. */
function finish(draft: Draft, fileValues: readonly Values[], configFiles: readonly string[]): BackendCommand {
  const { service } = draft.recognised;
  const merged: Record<string, Sourced<string>> = {};
  for (const values of fileValues) Object.assign(merged, service === 'uwsgi' ? addUp(merged, values) : values);
  if (service === 'uwsgi') Object.assign(merged, addUp(merged, draft.values));
  else {
    for (const name of Object.keys(draft.values))
      if (!name.includes('[')) for (const key of Object.keys(merged)) if (key.startsWith(`${name}[`)) delete merged[key];
    Object.assign(merged, draft.values);
  }
  const stated = listenOf(service, merged, draft.recognised.args, draft.folder);
  const isStated = stated.some(item => !item.address.source.startsWith('default of '));
  const listen = draft.told === undefined || isStated ? stated : [{ address: draft.told }];
  return {
    of: draft.of,
    service,
    role: draft.recognised.role,
    // Whoever carries a title of its own tells no options: a default would be a guess.
    listen: isTitled(draft) ? listen.filter(item => !item.address.source.startsWith('default of ')) : listen,
    values: merged,
    configFiles,
    ...(draft.app === undefined ? {} : { app: draft.app }),
  };
}

function isTitled(draft: Draft): boolean {
  return draft.recognised.role !== 'any' && draft.recognised.args.length === 0;
}

const repeatable = new Set(['socket', 'http-socket', 'http11-socket', 'http', 'https', 'https-socket', 'fastcgi-socket']);

/** Sockets add up, other settings are replaced by the later ones. */
function addUp(before: Values, next: Values): Values {
  const result: Record<string, Sourced<string>> = { ...before };
  for (const [key, value] of Object.entries(next)) {
    const name = key.replace(/\[\d+\]$/, '');
    result[repeatable.has(name) ? freeKey(result, name) : name] = value;
  }
  return result;
}
