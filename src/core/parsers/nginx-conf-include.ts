/**
 * `include` as nginx does it (ngx_conf_include, src/core/ngx_conf_file.c): relative to the folder of the main
 * file whatever file it stands in; with `*`, `?` or `[` by glob(3), where no match is no error; else one file
 * that must be there.
 */
import type { ConfigDirective, ConfigProblem } from '../model/facts/nginx.ts';

/** Stands for the whole closure of a configuration: all that the resolution needs to know of the files. */
export interface IncludeSources {
  /** Folder of the main file. */
  readonly folder: string;
  readonly files: ReadonlyMap<string, readonly ConfigDirective[]>;
  /** Paths of an absolute pattern, in order. */
  expand(pattern: string): readonly string[];
}

/** nginx has no limit of its own: it runs out of file descriptors (1024 by default). */
const maxChain = 30;
/** Directives in the tree with every include in place; a file that is included 500 times counts 500 times. */
const maxExpanded = 2_000_000;

/** The pattern of an `include` in absolute form. */
export function includePattern(directive: ConfigDirective, folder: string): string | undefined {
  const [pattern] = directive.args;
  if (directive.name !== 'include' || directive.args.length !== 1 || pattern === undefined || directive.block !== undefined) return undefined;
  return pattern.value.startsWith('/') ? pattern.value : `${folder}/${pattern.value}`;
}

/** All `include` patterns of a tree, in order, with where they stand. */
export function includePatterns(directives: readonly ConfigDirective[], folder: string): { readonly pattern: string; readonly line: number }[] {
  return directives.flatMap(directive => {
    const pattern = includePattern(directive, folder);
    const inner = directive.block === undefined ? [] : includePatterns(directive.block, folder);
    return pattern === undefined ? inner : [{ pattern, line: directive.line }, ...inner];
  });
}

/**
 * The tree of `mainPath` with the included files in place, after the directives of `-g`. A file that includes itself, by whatever way, is
 * left out there and told as a problem.
 */
export function resolveIncludes(
  mainPath: string,
  sources: IncludeSources,
  /** Directives of `-g`, which nginx reads first. */
  globals: readonly ConfigDirective[] = [],
): { readonly directives: readonly ConfigDirective[]; readonly problems: readonly ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const done = new Map<string, { readonly directives: readonly ConfigDirective[]; readonly size: number }>();
  const chain = new Set<string>();
  const first = list(globals).directives;
  return { directives: [...first, ...file(mainPath).directives], problems };

  /** What a file includes does not depend on where it is included, so each file is resolved once and shared. */
  function file(path: string): { readonly directives: readonly ConfigDirective[]; readonly size: number } {
    const before = done.get(path);
    if (before !== undefined) return before;
    chain.add(path);
    const resolved = list(sources.files.get(path) ?? []);
    chain.delete(path);
    done.set(path, resolved);
    return resolved;
  }

  function list(directives: readonly ConfigDirective[]): { readonly directives: readonly ConfigDirective[]; readonly size: number } {
    let size = directives.length;
    const resolved = directives.map(directive => {
      const pattern = includePattern(directive, sources.folder);
      if (pattern !== undefined) {
        const included = [];
        for (const path of sources.expand(pattern)) {
          const inside = includedFile(path, directive, size);
          if (inside === undefined) continue;
          size += inside.size;
          included.push({ path, directives: inside.directives });
        }
        return { ...directive, included };
      }
      if (directive.block === undefined || directive.block.length === 0) return directive;
      const inner = list(directive.block);
      size += inner.size;
      if (inner.directives === directive.block) return directive;
      return { ...directive, block: inner.directives };
    });
    const same = resolved.every((directive, i) => directive === directives[i]);
    return { directives: same ? directives : resolved, size };
  }

  function includedFile(path: string, from: ConfigDirective, sizeSoFar: number): ReturnType<typeof file> | undefined {
    if (!sources.files.has(path)) return undefined;
    if (chain.has(path)) return refuse(from, `includes ${path}, which is being read already: an include loop`);
    if (chain.size >= maxChain) return refuse(from, `includes ${path} through ${maxChain} other files; it was left out`);
    const inside = file(path);
    if (sizeSoFar + inside.size > maxExpanded)
      return refuse(from, `includes ${path}, with which the configuration exceeds ${maxExpanded} directives; it was left out`);
    return inside;
  }

  function refuse(from: ConfigDirective, text: string): undefined {
    problems.push({ path: from.path, line: from.line, text });
    return undefined;
  }
}
