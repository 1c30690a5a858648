import type { ConfigDirective } from '../../model/facts/nginx.ts';
import { isLoopback } from '../addresses.ts';
import { isIpLiteral } from '../../derive/pass-target.ts';
import { isReadTo } from '../lost-params.ts';
import { headersOf, type LintPass } from '../passes.ts';
import { defineLintRule, spotOf } from '../rule.ts';
import { own, type Scope } from '../scopes.ts';
import { before } from '../splices.ts';

/** Default of both modules: `Host` is what stands in the pass. */
const passName = '$proxy_host';
/** Names that only one network knows. */
const ownNames = /\.(?:internal|local|localdomain|lan|home|intranet|corp|svc|consul|docker|test)\.?$/i;

/** A block that has any `proxy_set_header` inherits none; what a backend on this host then gets as Host is the name of the group. */
export default defineLintRule({
  meta: {
    id: 'host-header-lost',
    title: 'A header of its own takes the inherited Host from a location',
    severity: 'warning',
  },
  *check(view) {
    for (const pass of view.passes) {
      if (pass.kind !== 'proxy' && pass.kind !== 'grpc') continue;
      const { directives, scope } = headersOf(pass);
      const [by] = directives;
      if (by === undefined || scope === undefined || !isReadTo(pass.scope, scope) || directives.some(one => isHost(one))) continue;
      const outer = outerHost(scope, by.name);
      const [target] = pass.targets;
      if (outer === undefined || target === undefined || !isOwnBackend(pass)) continue;
      const lost = [...new Set(own(outer.scope, by.name).map(one => one.args[0]?.value ?? ''))].filter(
        name => !directives.some(one => one.args[0]?.value.toLowerCase() === name.toLowerCase()),
      );
      const value = outer.line.args[1]?.value ?? '';
      yield {
        at: spotOf(by),
        message: `This line makes the location inherit no \`${by.name}\` at all: the backend gets \`Host: ${target.authority}\` and not \`${value}\`${lost.length > 1 ? `, and no ${lost.filter(name => name.toLowerCase() !== 'host').join(', ')}` : ''}. It answers for another site, redirects to that name, or refuses it with a 400 or 404.`,
        advice: `Repeat the other lines here: \`${by.name} Host ${value};\`${lost.length > 1 ? ' and the rest' : ''}.`,
        related: [
          { at: spotOf(outer.line), text: 'This line holds no more there.' },
          { at: spotOf(pass.directive), text: 'Requests are passed on here.' },
        ],
        ...(/^[\w$.{}:-]+$/.test(value) ? { fix: { summary: 'Pass the same Host on', changes: [before(by, `${by.name} Host ${value};`)] } } : {}),
      };
    }
  },
});

function isHost(directive: ConfigDirective): boolean {
  return directive.args[0]?.value.toLowerCase() === 'host';
}

function outerHost(scope: Scope, name: string): { readonly scope: Scope; readonly line: ConfigDirective } | undefined {
  for (let level = scope.parent; level !== undefined; level = level.parent) {
    const lines = own(level, name);
    if (lines.length === 0) continue;
    const line = lines.findLast(one => isHost(one));
    return line === undefined || line.args[1]?.value === passName ? undefined : { scope: level, line };
  }
  return undefined;
}

/** A group or an address: it stands for a site of this host. To a name of somebody else, that name is the right Host. */
function isOwnBackend({ targets }: LintPass): boolean {
  return targets.every(({ upstream, members }) => {
    const [member] = members;
    if (upstream !== undefined) return upstream.members.every(one => !isForeign(one.address.host));
    return member !== undefined && !isForeign(member.address.host);
  });
}

function isForeign(host: string | undefined): boolean {
  return host !== undefined && !isLoopback(host) && !isIpLiteral(host) && host.includes('.') && !ownNames.test(host);
}
