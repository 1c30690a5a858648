import { isHostName } from '../addresses.ts';
import type { LintPass } from '../passes.ts';
import { defineLintRule, spotOf } from '../rule.ts';
import { inForce } from '../scopes.ts';
import type { LintMember } from '../upstreams.ts';
import { membersPassedTo } from '../upstreams-used.ts';

/** Services whose own documentation says that the addresses behind a name change, by the end of the name. */
const changing: readonly (readonly [end: string, what: string])[] = [
  ['.elb.amazonaws.com', 'an AWS load balancer'],
  ['.cloudfront.net', 'CloudFront'],
  ['.execute-api.amazonaws.com', 'an AWS API gateway'],
  ['.rds.amazonaws.com', 'an AWS database, which fails over by its name'],
  ['.lambda-url.on.aws', 'an AWS function'],
  ['.azurewebsites.net', 'an Azure app'],
  ['.trafficmanager.net', 'Azure Traffic Manager'],
  ['.azurefd.net', 'Azure Front Door'],
  ['.run.app', 'Google Cloud Run'],
  ['.herokuapp.com', 'Heroku'],
  ['.herokudns.com', 'Heroku'],
  ['.onrender.com', 'Render'],
  ['.fly.dev', 'Fly'],
  ['.vercel.app', 'Vercel'],
  ['.netlify.app', 'Netlify'],
];

/** Only for names whose addresses are known to change: a name resolved once is right for all others. */
export default defineLintRule({
  meta: {
    id: 'dns-stale-address',
    title: 'A name whose addresses change is looked up once, when nginx starts',
    severity: 'warning',
    fault: 'dns-stale-address',
  },
  *check(view) {
    for (const { member, pass } of membersPassedTo(view)) {
      const host = member.address.host ?? '';
      // A target with variables is looked up while nginx runs.
      if (member.resolves || pass.variables.length > 0 || !isHostName(host)) continue;
      const [, known] = changing.find(([end]) => regional(host).endsWith(end)) ?? [];
      const what = known ?? dynamicName(host);
      if (what === undefined) continue;
      const inGroup = member.directive !== pass.directive && view.since('1.27.3');
      yield {
        at: spotOf(member.directive, member.token),
        message: `"${host}" is ${what}${known === undefined ? '' : ', whose addresses change'}. nginx looks it up once, when it starts or reloads, and goes on asking the old addresses: timeouts and refused connections until somebody reloads it.`,
        advice: inGroup
          ? 'Add `resolve` to the server, `zone NAME 64k;` to its upstream, and a `resolver`.'
          : `${lookUp(pass, member)}${view.since('1.27.3') ? ', or put it into an upstream with `resolve`' : ''}.`,
        ...(known === undefined ? { severity: 'notice' as const } : {}),
      };
    }
  },
});

/** How the pass is written so that nginx looks the name up while it runs. */
function lookUp({ directive, scope, targets, token }: LintPass, member: LintMember): string {
  const { directives } = inForce(scope, 'resolver');
  const [scheme = ''] = /^[a-z]+:\/\//i.exec(token.value) ?? [];
  const change = `to a variable: \`set $backend ${member.address.text}; ${directive.name} ${scheme}$backend;\``;
  const path = targets.some(({ uri }) => uri !== '') ? ' (with a variable nothing is cut off the path: that is for a `rewrite … break`)' : '';
  return `${directives.length === 0 ? 'Name a `resolver`, and pass' : 'Pass'} ${change}${path}`;
}

/** Names of container platforms: whatever is started anew has another address. `localhost` is none of them. */
function dynamicName(host: string): string | undefined {
  if (/\.svc(?:\.cluster\.local)?$/i.test(host)) return 'a service of Kubernetes, which gets another address where it is made anew';
  if (/\.service\.consul$/i.test(host)) return 'a service of Consul, whose addresses come and go';
  return host.includes('.') || host.toLowerCase() === 'localhost'
    ? undefined
    : 'a name without a domain: that of a container gets another address when it is started anew';
}

/** `x.eu-west-1.elb.amazonaws.com` and `x.elb.eu-west-1.amazonaws.com` are the same service. */
function regional(host: string): string {
  return host
    .toLowerCase()
    .replace(/\.(elb|execute-api|rds)\.[a-z]{2}-[a-z-]+-\d\.amazonaws\.com$/, '.$1.amazonaws.com')
    .replace(/\.[a-z]{2}-[a-z-]+-\d(\.(?:elb|rds)\.amazonaws\.com)$/, '$1');
}
