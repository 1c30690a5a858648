import { valueOr } from '../model/fact.ts';
import { defineFix } from '../model/fix.ts';
import { textOf } from '../model/fix-data.ts';
import type { FixStep } from '../model/finding.ts';

/** Keeping connections needs a group, HTTP/1.1 and an empty Connection header: where each belongs is a person's decision. */
export default defineFix({
  id: 'reuse-upstream-connections',
  fixes: ['ephemeral-ports-exhausted'],
  plan(finding, facts) {
    const hop = valueOr(facts.hops, []).find(one => one.peer.id === textOf(finding.fixData, 'peer'));
    if (hop === undefined) return undefined;
    const group = hop.groups.find(one => one.explicit);
    const routes = hop.routes.slice(0, 5);
    const pass = routes[0]?.pass ?? 'proxy';
    const inLocations = pass === 'fastcgi' ? 'fastcgi_keep_conn on;' : 'proxy_http_version 1.1; proxy_set_header Connection "";';
    const steps: FixStep[] = [
      {
        kind: 'manual',
        text:
          group === undefined
            ? `Name ${hop.peer.written} in an upstream block with "keepalive 32;" as its last line, and pass requests to that name.`
            : group.keepalive === undefined
              ? `Put "keepalive 32;" last into upstream ${group.name} (${group.origin.path}:${group.origin.line}).`
              : `Upstream ${group.name} has a keepalive (${group.origin.path}:${group.origin.line}): give it room for as many idle connections as requests run at once.`,
        commands: [`grep -rn -A12 'upstream ' ${group?.origin.path ?? '/etc/nginx'}`],
      },
      {
        kind: 'manual',
        text: `Where requests are passed on, add: ${inLocations} A proxy_set_header of a location replaces all of the levels above it: repeat those there.`,
        commands: [...routes.map(route => `sed -n '${route.origin.line}p' ${route.origin.path}`), 'nginx -t', 'systemctl reload nginx'],
      },
    ];
    return {
      id: 'reuse-upstream-connections',
      summary: `Keep connections to ${hop.peer.id} open for the next request`,
      automatic: false,
      risk: 'medium',
      minutes: 10,
      steps,
      validate: [['nginx', '-t']],
      verify: `ss -Htan state time-wait dst ${hop.peer.id} shows few connections while requests run.`,
    };
  },
});
