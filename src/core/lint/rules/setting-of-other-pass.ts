import type { PassKind } from '../../model/facts/topology.ts';
import type { LintPass } from '../passes.ts';
import { defineLintRule, spotOf } from '../rule.ts';
import { inForce, own, type Scope } from '../scopes.ts';
import { renamed } from '../splices.ts';

const modules: readonly PassKind[] = ['proxy', 'fastcgi', 'uwsgi', 'scgi', 'grpc'];
/** Settings that each module has under a name of its own. */
const settings = ['read_timeout', 'send_timeout', 'connect_timeout', 'buffer_size', 'buffers', 'buffering', 'request_buffering', 'next_upstream'];
/** `grpc_*` has no such directives. */
const notOfGrpc = new Set(['buffers', 'buffering', 'request_buffering']);

/** `proxy_read_timeout` beside a `fastcgi_pass` is read by nobody, and the limit that somebody wanted to raise stays at 60 seconds. */
export default defineLintRule({
  meta: {
    id: 'setting-of-other-pass',
    title: 'A setting is of another module than the one that passes requests on',
    severity: 'warning',
  },
  *check(view) {
    const kinds = kindsBelow(view.passes);
    for (const pass of view.passes) {
      const { scope, kind } = pass;
      // Nested blocks inherit what stands here, for passes of their own.
      if (kind === 'stream' || kind === 'memcached' || scope.kind !== 'location' || kinds.get(scope)?.size !== 1) continue;
      for (const module of modules) {
        if (module === kind) continue;
        for (const name of [...settings, 'set_header']) {
          const [directive] = own(scope, `${module}_${name}`);
          if (directive === undefined || !exists(kind, name)) continue;
          const counterpart = `${kind}_${name}`;
          // Whoever sets both shares the lines between locations of two kinds.
          const set = inForce(scope, counterpart);
          if (set.directives.length > 0 || !set.isSure) continue;
          const isHere = directive.path === pass.directive.path;
          yield {
            at: spotOf(directive),
            message: `\`${directive.name}\` does nothing here: requests are passed on by \`${pass.directive.name}\`, which reads \`${counterpart}\`, and that is not set.`,
            advice: `Write \`${counterpart}\` instead.`,
            related: [{ at: spotOf(pass.directive), text: 'Requests are passed on here.' }],
            ...(isHere ? {} : { severity: 'notice' as const }),
            ...(isHere && name !== 'set_header'
              ? { fix: { summary: `Write ${counterpart}`, changes: own(scope, directive.name).map(one => renamed(one, counterpart)) } }
              : {}),
          };
        }
      }
    }
  },
});

function exists(kind: PassKind, name: string): boolean {
  if (name === 'set_header') return kind === 'proxy' || kind === 'grpc';
  return kind !== 'grpc' || !notOfGrpc.has(name);
}

/** Which modules pass requests on in a block or in a block inside it. */
function kindsBelow(passes: readonly LintPass[]): ReadonlyMap<Scope, ReadonlySet<string>> {
  const kinds = new Map<Scope, Set<string>>();
  for (const { scope, kind } of passes) {
    for (let level: Scope | undefined = scope; level !== undefined && level.kind !== 'server'; level = level.parent) {
      const known = kinds.get(level);
      if (known === undefined) kinds.set(level, new Set([kind]));
      else known.add(kind);
    }
  }
  return kinds;
}
