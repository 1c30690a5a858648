import type { ConfigDirective } from '../model/facts/nginx.ts';
import { headersOf, type LintPass } from './passes.ts';
import { own, type Scope } from './scopes.ts';

/** Without these a backend cannot tell what is asked of it. */
const essential: ReadonlySet<string> = new Set([
  'SCRIPT_FILENAME',
  'REQUEST_METHOD',
  'QUERY_STRING',
  'CONTENT_TYPE',
  'CONTENT_LENGTH',
  'REQUEST_URI',
  'PATH_INFO',
]);

export interface LostParams {
  /** The first line of the block that has some of its own. */
  readonly by: ConfigDirective;
  /** A block further out whose lines hold no more. */
  readonly outer: Scope;
  readonly outerLine: ConfigDirective | undefined;
  readonly names: readonly string[];
}

/** Parameters of FastCGI, uwsgi or SCGI that a pass would inherit if no block further in had any. */
export function paramsLostBy(pass: LintPass): LostParams | undefined {
  if (pass.kind !== 'fastcgi' && pass.kind !== 'uwsgi' && pass.kind !== 'scgi') return undefined;
  const name = `${pass.kind}_param`;
  const { directives, scope } = headersOf(pass);
  const [by] = directives;
  // Between the pass and these lines, and in their own block, everything must have been read.
  if (by === undefined || scope === undefined || !isReadTo(pass.scope, scope)) return undefined;
  const kept = new Set(directives.map(one => one.args[0]?.value ?? ''));
  for (let level = scope.parent; level !== undefined; level = level.parent) {
    const lines = own(level, name);
    if (lines.length === 0 && !level.hidesParameters) continue;
    const names = lines.map(one => one.args[0]?.value ?? '').filter(one => essential.has(one) && !kept.has(one));
    // An include of parameters that could not be read holds the usual ones.
    if (names.length === 0 && level.hidesParameters && !kept.has('REQUEST_METHOD')) names.push('REQUEST_METHOD');
    return names.length === 0 ? undefined : { by, outer: level, outerLine: lines[0], names: [...new Set(names)] };
  }
  return undefined;
}

/** Whether everything from a block out to another one around it has been read, both included. */
export function isReadTo(inner: Scope, outer: Scope): boolean {
  for (let level: Scope | undefined = inner; level !== undefined; level = level.parent) {
    if (!level.isWhole || level.hidesParameters) return false;
    if (level === outer) return true;
  }
  return false;
}
