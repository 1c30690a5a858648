import { defineFix } from '../model/fix.ts';
import { numberOf, textOf } from '../model/fix-data.ts';
import { directivesOf, editSteps, siblingsOf } from '../model/nginx-edits.ts';
import { takenUp } from '../model/nginx-reload.ts';

const megabyte = 1_048_576;
/** What is larger than this wants another way in than one request. */
const largest = 1024 * megabyte;
const headroom = 1.5;

/** Raises the limit for that one location, to what was seen and half as much again. */
export default defineFix({
  id: 'raise-body-limit',
  fixes: ['request-body-too-large'],
  plan(finding, facts) {
    const routeId = textOf(finding.fixData, 'routeId');
    const size = numberOf(finding.fixData, 'size') ?? 0;
    const route = facts.topology.state === 'known' ? facts.topology.value.routes.find(one => one.id === routeId) : undefined;
    if (route === undefined || facts['nginx-config'].state !== 'known' || size === 0 || size * headroom > largest) return undefined;
    const configs = facts['nginx-config'].value;
    const value = `${Math.ceil((size * headroom) / megabyte)}m`;
    const changes = configs.flatMap(config =>
      [...directivesOf(config)]
        .filter(({ directive }) => directive.name === `${route.pass}_pass` && directive.path === route.origin.path && directive.line === route.origin.line)
        .map(({ directive: pass }) => {
          const own = siblingsOf(config, pass).findLast(one => one.name === 'client_max_body_size');
          const [arg] = own?.args ?? [];
          return own === undefined || arg === undefined
            ? { path: pass.path, start: pass.start, end: pass.start, text: `client_max_body_size ${value}; ` }
            : { path: own.path, start: arg.start, end: arg.end, text: value };
        }),
    );
    const edits = editSteps(configs, changes);
    if (edits.length === 0) return undefined;
    return {
      id: 'raise-body-limit',
      summary: `Allow bodies of ${value} in ${finding.subject.name}`,
      automatic: true,
      risk: 'low',
      minutes: 1,
      ...takenUp(facts, edits),
      verify: 'An upload of that size is answered by the backend. A limit of its own (post_max_size of PHP, for one) may be the next.',
    };
  },
});
