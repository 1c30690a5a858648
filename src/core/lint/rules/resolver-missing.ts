import { isHostName, writtenAddress } from '../addresses.ts';
import type { LintPass, LintTarget } from '../passes.ts';
import { defineLintRule, spotOf, type LintProblem } from '../rule.ts';
import { inForce } from '../scopes.ts';

/** Variables whose values are addresses, never names. */
const addresses = new Set(['server_addr', 'remote_addr', 'realip_remote_addr', 'proxy_protocol_server_addr', 'proxy_protocol_addr', 'binary_remote_addr']);

/** A target with variables is looked up at run time, with the `resolver` alone; the system's own is asked only at start. */
export default defineLintRule({
  meta: {
    id: 'resolver-missing',
    title: 'A name has to be looked up at run time, and no resolver is named',
    severity: 'error',
    fault: 'resolver-missing',
  },
  *check(view) {
    for (const pass of view.passes) {
      const { directives, isSure } = inForce(pass.scope, 'resolver');
      if (pass.variables.length === 0 || !isSure) continue;
      if (directives.some(one => one.args[0]?.value !== 'off')) continue;
      yield* problemOf(pass);
    }
    for (const { members, scope } of view.upstreams) {
      for (const member of members) {
        if (!member.resolves || !isHostName(member.address.host ?? '')) continue;
        const { directives, isSure } = inForce(scope, 'resolver');
        if (directives.length > 0 || !isSure) continue;
        yield {
          at: spotOf(member.directive, member.token),
          message: `\`resolve\` makes nginx look up "${member.address.host ?? ''}" while it runs, and there is no \`resolver\`: nginx does not start.`,
          advice:
            'Name a DNS server in the upstream block or in http: `resolver 127.0.0.53 valid=30s;` where systemd-resolved runs, else one of /etc/resolv.conf.',
        };
      }
    }
  },
});

function* problemOf(pass: LintPass): Generator<LintProblem> {
  // Each value that is known is told apart; what is not known may be a name, an address or a group.
  const first = pass.targets.find(target => needsLookUp(target));
  if (first === undefined) return;
  const host = hostOf(first);
  const isKnown = host !== '' && !host.includes('$');
  const what = isKnown ? `"${host}"` : 'the name that it holds then';
  yield {
    at: spotOf(pass.directive, pass.token),
    message: `The target holds a variable, so nginx looks up ${what} when a request comes, and there is no \`resolver\`: the request gets a 502, "no resolver defined to resolve ${isKnown ? host : 'NAME'}".`,
    advice:
      'Name a DNS server: `resolver 127.0.0.53 valid=30s;` where systemd-resolved runs, else one of /etc/resolv.conf. Or write the name of an `upstream` block, which is resolved at start.',
    // What a variable holds may be an address or a group after all.
    ...(isKnown ? {} : { severity: 'warning' }),
  };
}

function needsLookUp(target: LintTarget): boolean {
  if (target.upstream !== undefined || target.authority.startsWith('unix:')) return false;
  const host = hostOf(target);
  if (!host.includes('$')) return isHostName(host);
  const [whole, name = ''] = /^\$\{?(\w+)\}?$/.exec(host) ?? [];
  return !(whole !== undefined && (addresses.has(name) || /^arg_|^upstream_/.test(name)));
}

function hostOf({ authority }: LintTarget): string {
  return writtenAddress(authority).host ?? '';
}
