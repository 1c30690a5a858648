import { valueOr } from '../model/fact.ts';
import { defineFix } from '../model/fix.ts';
import type { Hop } from '../model/facts/hop.ts';
import type { ConfigDirective, NginxConfig } from '../model/facts/nginx.ts';
import type { Route, UpstreamGroup } from '../model/facts/topology.ts';
import type { FixPlan, FixStep } from '../model/finding.ts';
import { textOf } from '../model/fix-data.ts';
import { passOf, takeUp } from '../model/location-edit.ts';
import { directivesOf, editSteps, siblingsOf, type TextChange } from '../model/nginx-edits.ts';

const idleConnections = 32;
const verify = (peer: string): string =>
  `ss -Htan state time-wait dst ${peer} shows ever fewer connections while requests run. Ports that wait already come back within a minute.`;

/**
 * Keeping connections needs a group with `keepalive`, HTTP/1.1 and an empty Connection header. Where headers are inherited, or the
 * location upgrades connections, adding one is a person's decision: a `proxy_set_header` replaces all of the levels above it.
 */
export default defineFix({
  id: 'reuse-upstream-connections',
  fixes: ['ephemeral-ports-exhausted'],
  plan(finding, facts) {
    const hop = valueOr(facts.hops, []).find(one => one.peer.id === textOf(finding.fixData, 'peer'));
    if (hop === undefined) return undefined;
    const group = hop.groups.find(one => one.explicit);
    const config = valueOr(facts['nginx-config'], []).find(one => hop.routes.some(route => passOf(one, route) !== undefined));
    const changes = group === undefined || config === undefined ? undefined : changesFor(config, group, hop);
    if (config === undefined || changes === undefined || changes.length === 0) return byHand(hop, group);
    const edits = editSteps([config], changes);
    const { reload, validate } = takeUp(facts, config.instanceId);
    if (edits.length === 0 || reload === undefined) return byHand(hop, group);
    return {
      id: 'reuse-upstream-connections',
      summary: `Keep up to ${idleConnections} connections to ${group?.name ?? hop.peer.id} open for the next request`,
      automatic: finding.confidence !== 'possible',
      risk: 'medium',
      minutes: 3,
      steps: [...edits, reload],
      validate,
      verify: verify(hop.peer.id),
      // Ports of closed connections are free after a minute (TCP_TIMEWAIT_LEN in Linux).
      takesSeconds: 60,
    };
  },
});

/** All that is missing; `undefined` where it cannot be written for sure. */
function changesFor(config: NginxConfig, group: UpstreamGroup, hop: Hop): TextChange[] | undefined {
  const block = [...directivesOf(config)].find(
    ({ directive }) => directive.name === 'upstream' && directive.args[0]?.value === group.name && directive.path === group.origin.path,
  )?.directive;
  const text = config.files.find(file => file.path === block?.path)?.text;
  if (block === undefined || text === undefined || text[block.end - 1] !== '}') return undefined;
  const changes: TextChange[] = group.keepalive === undefined ? [inserted(block, text)] : [];
  for (const route of hop.routes) {
    const pass = passOf(config, route);
    const missing = pass === undefined ? undefined : missingAt(route, siblingsOf(config, pass));
    if (pass === undefined || missing === undefined) return undefined;
    if (missing !== '') changes.push({ path: pass.path, start: pass.start, end: pass.start, text: missing });
  }
  return changes;
}

/** Last in its block, behind any load balancing method: nginx wants it there. */
function inserted(block: ConfigDirective, text: string): TextChange {
  const close = block.end - 1;
  const lineStart = text.lastIndexOf('\n', close - 1) + 1;
  const isAlone = text.slice(lineStart, close).trim() === '' && lineStart > block.start;
  const at = isAlone ? lineStart : close;
  return { path: block.path, start: at, end: at, text: isAlone ? `    keepalive ${idleConnections};\n` : `keepalive ${idleConnections}; ` };
}

function missingAt(route: Route, siblings: readonly ConfigDirective[]): string | undefined {
  if (route.pass === 'fastcgi') return route.settings['keep_conn']?.args[0] === 'on' ? '' : 'fastcgi_keep_conn on; ';
  if (route.pass !== 'proxy') return undefined;
  const connection = route.headers.findLast(one => one.args[0]?.toLowerCase() === 'connection');
  const hasVersion = siblings.some(one => one.name === 'proxy_http_version');
  const version = route.settings['http_version']?.args[0] === '1.1' ? '' : 'proxy_http_version 1.1; ';
  // One that says something else has its reason; one that would have to be changed stands there already.
  if ((connection !== undefined && connection.args[1] !== '') || (hasVersion && version !== '')) return undefined;
  if (connection !== undefined) return version;
  const isInherited = route.headers.length > 0 && !siblings.some(one => one.name === 'proxy_set_header');
  return isInherited ? undefined : `${version}proxy_set_header Connection ""; `;
}

function byHand(hop: Hop, group: UpstreamGroup | undefined): FixPlan {
  const routes = hop.routes.slice(0, 5);
  const inLocations = routes[0]?.pass === 'fastcgi' ? 'fastcgi_keep_conn on;' : 'proxy_http_version 1.1; proxy_set_header Connection "";';
  const steps: FixStep[] = [
    {
      kind: 'manual',
      text:
        group === undefined
          ? `Name ${hop.peer.written} in an upstream block with "keepalive ${idleConnections};" as its last line, and pass requests to that name.`
          : group.keepalive === undefined
            ? `Put "keepalive ${idleConnections};" last into upstream ${group.name} (${group.origin.path}:${group.origin.line}).`
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
    verify: verify(hop.peer.id),
  };
}
