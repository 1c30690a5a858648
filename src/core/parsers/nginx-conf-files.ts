import type { ConfigDirective, ConfigProblem, NginxConfig } from '../model/facts/nginx.ts';
import { isGlobPattern, matchesGlobPath } from './glob.ts';
import { latin1FromText } from './latin1.ts';
import { resolveIncludes } from './nginx-conf-include.ts';
import { parseNginxConf } from './nginx-conf.ts';

/** The configuration in the files of `nginx -T`, by their paths. `globals`: the directives of `-g`. */
export function configOfDump(instanceId: string, mainPath: string, globals: string, texts: ReadonlyMap<string, string>): NginxConfig {
  const problems: ConfigProblem[] = [];
  const parse = (path: string, text: string): readonly ConfigDirective[] => {
    const parsed = parseNginxConf(text, path);
    problems.push(...parsed.problems);
    return parsed.directives;
  };
  const first = globals === '' ? [] : parse('-g', latin1FromText(globals));
  const trees = new Map([...texts].map(([path, text]) => [path, parse(path, text)] as const));
  // The paths are printed as nginx opened them, so a pattern stands for those of them that match it.
  const paths = [...texts.keys()].toSorted();
  const expand = (pattern: string): readonly string[] => (isGlobPattern(pattern) ? paths.filter(path => matchesGlobPath(pattern, path)) : [pattern]);
  const folder = mainPath.slice(0, mainPath.lastIndexOf('/'));
  const top = resolveIncludes(mainPath, { folder, files: trees, expand }, first);
  const files = [...texts].map(([path, text]) => ({ path, text }));
  return { instanceId, mainPath, files, directives: top.directives, problems: [...problems, ...top.problems], unread: [] };
}
