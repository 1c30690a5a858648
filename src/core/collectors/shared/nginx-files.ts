import { ask, askAll, type Answer, type Request } from '../../model/collector.ts';
import { known, type Known } from '../../model/fact.ts';
import type { ConfigDirective, ConfigFile, ConfigProblem, NginxConfig, NginxInstance } from '../../model/facts/nginx.ts';
import type { ReadResult } from '../../model/host.ts';
import { latin1FromBytes, latin1FromText } from '../../parsers/latin1.ts';
import { includePatterns, resolveIncludes } from '../../parsers/nginx-conf-include.ts';
import { parseNginxConf } from '../../parsers/nginx-conf.ts';
import { expandGlobs } from '../glob.ts';

type Steps<T> = Generator<readonly Request[], T, readonly Known<unknown>[]>;

const MiB = 1_048_576;
const maxFileBytes = 8 * MiB;
const maxTotalBytes = 64 * MiB;
const maxFiles = 2000;
const maxWords = 1_000_000;
/** A batch is read at once, its files up to `firstBytes`; the few that are longer are read again one by one. */
const batchFiles = 200;
const firstBytes = 262_144;

/** Where a file is included. */
interface Place {
  readonly path: string;
  readonly line: number;
}

/** What names a configuration: the part of an instance that reading it needs. */
export type ConfigSource = Pick<NginxInstance, 'id' | 'configPath' | 'globalDirectives'>;

/** Reads a configuration with all that it includes, as nginx resolves it. */
export function readNginxConfig(source: ConfigSource): Steps<Known<NginxConfig>> {
  return new Closure(source).read();
}

/** One instance's configuration while its include closure is read, round by round. */
class Closure {
  private readonly instance: ConfigSource;
  private readonly folder: string;
  private readonly files = new Map<string, ConfigFile>();
  private readonly trees = new Map<string, readonly ConfigDirective[]>();
  private readonly patterns = new Map<string, readonly string[]>();
  private readonly includedAt = new Map<string, Place>();
  private readonly problems: ConfigProblem[] = [];
  private readonly unread: { path: string; why: string }[] = [];
  private bytes = 0;
  private words = 0;

  constructor(instance: ConfigSource) {
    this.instance = instance;
    this.folder = instance.configPath.slice(0, instance.configPath.lastIndexOf('/'));
  }

  *read(): Steps<Known<NginxConfig>> {
    const { configPath, globalDirectives, id } = this.instance;
    const main = yield* this.readFiles([configPath]);
    if (main !== undefined && main.state !== 'known') return main;
    const globals = globalDirectives === '' ? [] : this.parse('-g', latin1FromText(globalDirectives));
    let found = [...this.takePatterns(globals, '-g'), ...this.takePatterns(this.trees.get(configPath) ?? [], configPath)];
    while (found.length > 0) {
      const paths = yield* this.expand(found);
      yield* this.readFiles(paths);
      found = paths.flatMap(path => this.takePatterns(this.trees.get(path) ?? [], path));
    }
    const sources = { folder: this.folder, files: this.trees, expand: (pattern: string) => this.patterns.get(pattern) ?? [] };
    const top = resolveIncludes(configPath, sources, globals);
    const files = [...(globalDirectives === '' ? [] : [{ path: '-g', text: latin1FromText(globalDirectives) }]), ...this.files.values()];
    const problems = [...this.problems, ...top.problems];
    return known(
      { instanceId: id, mainPath: configPath, files, directives: top.directives, problems, unread: this.unread },
      this.unread.slice(0, 20).map(({ path, why }) => `${path} was not read: ${why}`),
    );
  }

  /** The patterns of a tree that were not seen before. */
  private takePatterns(directives: readonly ConfigDirective[], path: string): readonly string[] {
    return includePatterns(directives, this.folder).flatMap(({ pattern, line }) => {
      if (this.patterns.has(pattern)) return [];
      this.patterns.set(pattern, []);
      this.includedAt.set(pattern, { path, line });
      return [pattern];
    });
  }

  /** The files that patterns stand for and that were not read yet. */
  private *expand(patterns: readonly string[]): Steps<readonly string[]> {
    const results = yield* expandGlobs(patterns);
    const paths = new Set<string>();
    for (const { pattern, paths: matches, unread } of results) {
      this.patterns.set(pattern, matches);
      this.unread.push(...unread);
      const place = this.includedAt.get(pattern);
      for (const path of matches) {
        if (place !== undefined && !this.includedAt.has(path)) this.includedAt.set(path, place);
        if (!this.trees.has(path)) paths.add(path);
      }
    }
    return [...paths];
  }

  /** Reads and parses files; gives the answer for the last of them. */
  private *readFiles(paths: readonly string[]): Steps<Known<ReadResult> | undefined> {
    let last: Known<ReadResult> | undefined;
    for (let at = 0; at < paths.length; at += batchFiles) {
      const batch = paths.slice(at, at + batchFiles);
      const reads = yield* askAll(batch.map(path => ({ kind: 'read', path, options: { limit: firstBytes } }) as const));
      const times = yield* fileTimes(batch);
      for (const [i, path] of batch.entries()) {
        last = reads[i];
        if (last?.state === 'known' && !last.value.atEnd && this.hasRoom()) [last] = yield* ask({ kind: 'read', path, options: { limit: maxFileBytes } });
        if (last !== undefined) this.take(path, last, times[i]);
      }
    }
    return last;
  }

  private hasRoom(): boolean {
    return this.files.size < maxFiles && this.bytes < maxTotalBytes;
  }

  private take(path: string, answer: Known<ReadResult>, times: FileTimes | undefined): void {
    if (answer.state !== 'known') {
      const place = this.includedAt.get(path);
      // nginx does not start without it, whether it was named or found by a pattern (a link to nowhere).
      if (answer.state === 'absent' && place !== undefined) this.problems.push({ ...place, text: `includes ${path}, which does not exist` });
      else if (place !== undefined) this.unread.push({ path, why: answer.how === undefined ? answer.why : `${answer.why} (${answer.how})` });
      this.trees.set(path, []);
      return;
    }
    if (!this.hasRoom()) {
      this.unread.push({ path, why: `the configuration has more than ${maxFiles} files or ${maxTotalBytes / MiB} MiB` });
      this.trees.set(path, []);
      return;
    }
    const whole = latin1FromBytes(answer.value.bytes);
    const text = answer.value.atEnd ? whole : untilStatement(whole);
    this.bytes += text.length;
    if (!answer.value.atEnd) this.unread.push({ path, why: `only its first ${text.length} of ${answer.value.size} bytes were` });
    this.files.set(path, { path, text, ...times });
    this.trees.set(path, this.parse(path, text));
  }

  private parse(path: string, text: string): readonly ConfigDirective[] {
    const parsed = parseNginxConf(text, path, { maxWords: Math.max(0, maxWords - this.words) });
    this.words += parsed.words;
    this.problems.push(...parsed.problems);
    return parsed.directives;
  }
}

type FileTimes = Pick<ConfigFile, 'modifiedMs' | 'changedMs'>;

/** When each file last changed: of a link the later of its own time and its target's, as either changes what nginx reads. */
function* fileTimes(paths: readonly string[]): Steps<readonly (FileTimes | undefined)[]> {
  const stats = yield* askAll(paths.map(path => ({ kind: 'stat', path }) as const));
  const links = stats.flatMap(stat => (stat.state === 'known' && stat.value.kind === 'link' && stat.value.realPath !== undefined ? [stat.value.realPath] : []));
  const targets = yield* askAll(links.map(path => ({ kind: 'stat', path }) as const));
  const byTarget = new Map(links.map((path, i) => [path, targets[i]] as const));
  return stats.map(stat => {
    if (stat.state !== 'known') return undefined;
    const target: Answer<{ kind: 'stat'; path: string }> | undefined = byTarget.get(stat.value.realPath ?? '');
    const of = target?.state === 'known' ? target.value : undefined;
    return { modifiedMs: Math.max(stat.value.modifiedMs, of?.modifiedMs ?? 0), changedMs: Math.max(stat.value.changedMs, of?.changedMs ?? 0) };
  });
}

/** A file that was cut, up to its last whole line: half a directive would say something else. */
function untilStatement(text: string): string {
  for (let end = text.lastIndexOf('\n'); end > 0; end = text.lastIndexOf('\n', end - 1)) {
    if (/[;{}]\s*$/.test(text.slice(Math.max(0, end - 3), end))) return text.slice(0, end + 1);
  }
  return '';
}
