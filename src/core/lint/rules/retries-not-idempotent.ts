import { defineLintRule, spotOf } from '../rule.ts';
import { targetsOf } from '../upstreams-used.ts';

/** `non_idempotent` (1.9.13) repeats POST, LOCK and PATCH too, after the first server may have acted on them. */
export default defineLintRule({
  meta: {
    id: 'retries-not-idempotent',
    title: 'Requests that change something are sent to a second server after a timeout',
    severity: 'notice',
  },
  *check(view) {
    const told = new Set<string>();
    for (const { pass, target } of targetsOf(view)) {
      const { args, at } = pass.setting('next_upstream');
      const token = at?.args.find(arg => arg.value === 'non_idempotent');
      const { upstream } = target;
      if (at === undefined || token === undefined || upstream === undefined || upstream.members.filter(member => !member.isDown).length < 2) continue;
      if (!args.includes('timeout') || told.has(`${at.path} ${at.start}`)) continue;
      told.add(`${at.path} ${at.start}`);
      yield {
        at: { path: at.path, start: token.start, end: token.end },
        message: `A POST that the first server of "${upstream.name}" does not answer in time is sent to the next, while the first may still be at it: an order is made twice, and a slow page keeps every server busy.`,
        advice: 'Take `timeout` or `non_idempotent` out, unless the application recognises a repeated request.',
        related: [{ at: spotOf(upstream.directive), text: 'The servers are these.' }],
      };
    }
  },
});
