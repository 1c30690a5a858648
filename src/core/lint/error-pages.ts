import { locationsOf } from '../model/nginx-locations.ts';
import type { ConfigDirective } from '../model/facts/nginx.ts';
import { inForce, type Scope } from './scopes.ts';
import type { LintPass } from './passes.ts';
import type { LintView } from './view.ts';

/** `error_page 502 504 =200 /sorry.html`, taken apart. */
export interface ErrorPage {
  readonly directive: ConfigDirective;
  /** Of 502, 503 and 504, those that it is for. */
  readonly codes: readonly number[];
  /** `same` without `=`, `target` for `=` alone: the status is what the target answers. */
  readonly status: 'same' | 'target' | number;
  readonly target: string;
}

const gatewayCodes = new Set([502, 503, 504]);

/** The error pages in force for a pass that are for its failures. */
export function errorPagesOf(pass: LintPass): readonly ErrorPage[] {
  return inForce(pass.scope, 'error_page').directives.flatMap(directive => {
    const words = directive.args.map(arg => arg.value);
    const target = words.pop() ?? '';
    const last = words.at(-1) ?? '';
    const status = !last.startsWith('=') ? 'same' : last === '=' ? 'target' : Number(last.slice(1));
    const codes = words.map(Number).filter(code => gatewayCodes.has(code));
    return codes.length === 0 ? [] : [{ directive, codes, status, target }];
  });
}

/** The block that answers for the target of an error page. `undefined` where that cannot be told, or where it is on another host. */
export function pageScope(view: LintView, pass: LintPass, target: string): Scope | undefined {
  const server = pass.server.directive;
  if (server === undefined || target.includes('$')) return undefined;
  if (target.startsWith('@')) return named(view, pass, target);
  if (!target.startsWith('/')) return undefined;
  const location = locationsOf(server, target.split('?')[0] ?? target)?.at(-1);
  return location === undefined ? undefined : scopeOf(view, location, pass.server);
}

function named(view: LintView, { server }: LintPass, name: string): Scope | undefined {
  return locationsIn(view, server).find(scope => scope.directive?.args[0]?.value === name);
}

function scopeOf(view: LintView, location: ConfigDirective, server: Scope): Scope | undefined {
  return locationsIn(view, server).find(({ directive }) => directive?.path === location.path && directive.start === location.start);
}

const known = new WeakMap<LintView, Map<Scope, Scope[]>>();

/** The locations of a server, nested ones too. */
function locationsIn(view: LintView, server: Scope): readonly Scope[] {
  let all = known.get(view);
  if (all === undefined) {
    all = new Map();
    let current: Scope | undefined;
    for (const scope of view.scopes) {
      // Blocks come outermost first, so a location follows its server.
      if (scope.kind === 'server') current = scope;
      if (scope.kind !== 'location' || current === undefined) continue;
      const list = all.get(current);
      if (list === undefined) all.set(current, [scope]);
      else list.push(scope);
    }
    known.set(view, all);
  }
  return all.get(server) ?? [];
}

/** What a block does with a request, as far as error pages ask. */
export function answersWith(scope: Scope): { readonly kind: 'pass' } | { readonly kind: 'return'; readonly status: number } | { readonly kind: 'file' } {
  if (scope.inside.some(one => one.name.endsWith('_pass'))) return { kind: 'pass' };
  const back = scope.inside.find(one => one.name === 'return');
  if (back === undefined) return { kind: 'file' };
  const [first = ''] = back.args.map(arg => arg.value);
  return { kind: 'return', status: /^\d{3}$/.test(first) ? Number(first) : 302 };
}
