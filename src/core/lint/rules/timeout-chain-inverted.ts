import { innerPasses } from '../inner-hops.ts';
import type { LintSetting } from '../passes.ts';
import { defineLintRule, spotOf } from '../rule.ts';
import { spokenTime } from '../words.ts';

/** Both hops stand in this configuration: the outer one gives up first, and the inner one works on for nobody. */
export default defineLintRule({
  meta: {
    id: 'timeout-chain-inverted',
    title: 'An outer hop waits less than the hop behind it',
    severity: 'warning',
    fault: 'timeout-chain-inverted',
  },
  *check(view) {
    for (const { outer, inner } of innerPasses(view)) {
      const [here, there] = [outer.setting('read_timeout'), inner.setting('read_timeout')];
      if (!isKnown(here) || !isKnown(there) || here.ms >= there.ms || here.ms === 0) continue;
      const inside = inner.scope.directive?.args.at(-1)?.value ?? '/';
      yield {
        at: spotOf(here.at ?? outer.directive),
        message: `Requests wait ${spokenTime(here.ms)}${here.at === undefined ? ' (the default)' : ''} here, and the server behind "${outer.token.value}" waits ${spokenTime(there.ms)}${there.at === undefined ? ' (the default)' : ''} for its own backend in \`${inside}\`: a page that takes longer than ${spokenTime(here.ms)} gets a 504 here, and its work goes on for nobody.`,
        advice: `Let the outer hop wait a little longer than the inner one: \`${outer.kind}_read_timeout\` above ${spokenTime(there.ms)} here, or less in the inner server.`,
        related: [{ at: spotOf(there.at ?? inner.directive), text: `The inner hop waits ${spokenTime(there.ms)}.` }],
      };
    }
  },
});

function isKnown(setting: LintSetting): setting is LintSetting & { readonly ms: number } {
  return setting.ms !== undefined && (setting.at !== undefined || setting.isSure);
}
