import { defineLintRule, spotOf } from '../rule.ts';
import { targetsOf } from '../upstreams-used.ts';

/** Told for groups of several servers only: with one there is nobody else to ask. */
export default defineLintRule({
  meta: {
    id: 'retries-off',
    title: 'A group of several servers does not stand in for one that is down',
    severity: 'notice',
  },
  *check(view) {
    const told = new Set<string>();
    for (const { pass, target } of targetsOf(view)) {
      const { upstream } = target;
      const usable = upstream?.members.filter(member => !member.isDown) ?? [];
      if (upstream === undefined || usable.length < 2) continue;
      const next = pass.setting('next_upstream');
      const tries = pass.setting('next_upstream_tries');
      const at = next.args[0] === 'off' ? next.at : tries.args[0] === '1' ? tries.at : undefined;
      if (at === undefined || told.has(`${at.path} ${at.start} ${upstream.name}`)) continue;
      told.add(`${at.path} ${at.start} ${upstream.name}`);
      yield {
        at: spotOf(at),
        message: `A request that meets a server of "${upstream.name}" that is down is not tried on another, though there are ${usable.length}: the client gets the 502. After \`max_fails\` of them nginx leaves that server out for \`fail_timeout\`, and then tries it with a client's request again.`,
        advice: `Where requests may be repeated, let \`${at.name.replace(/_tries$/, '')}\` be \`error timeout\`, its default; POST requests are not repeated then.`,
        related: [{ at: spotOf(upstream.directive), text: 'The servers are these.' }],
      };
    }
  },
});
