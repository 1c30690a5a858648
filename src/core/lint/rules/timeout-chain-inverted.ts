import { innerPasses } from '../inner-hops.ts';
import { phpSettings } from '../php-settings.ts';
import type { LintPass, LintSetting } from '../passes.ts';
import { defineLintRule, spotOf, type LintProblem } from '../rule.ts';
import { spokenTime } from '../words.ts';

/** Both limits stand in this configuration: the outer one gives up first, and the inner one works on for nobody. */
export default defineLintRule({
  meta: {
    id: 'timeout-chain-inverted',
    title: 'An outer hop waits less than the hop behind it',
    severity: 'warning',
    fault: 'timeout-chain-inverted',
  },
  *check(view) {
    for (const pass of view.passes) yield* phpGoesOn(pass);
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

/** `fastcgi_param PHP_VALUE "max_execution_time=300"`: somebody meant to allow as much. */
function* phpGoesOn(pass: LintPass): Generator<LintProblem> {
  const here = pass.setting('read_timeout');
  if (pass.kind !== 'fastcgi' || !isKnown(here) || here.ms === 0) return;
  for (const { at, name, value } of phpSettings(pass)) {
    const allowedMs = /^\d{1,6}$/.test(value) ? Number(value) * 1000 : 0;
    if (name !== 'max_execution_time' || allowedMs <= here.ms) continue;
    yield {
      at: spotOf(at),
      message: `PHP may take ${spokenTime(allowedMs)}, and nginx waits ${spokenTime(here.ms)}${here.at === undefined ? ' (the default)' : ''} for its answer: a page that takes longer gets a 504, and its work goes on for nobody.`,
      advice: `Set \`fastcgi_read_timeout ${allowedMs / 1000 + 5}s;\` in this location, or let PHP take less.`,
      related: [{ at: spotOf(here.at ?? pass.directive), text: `nginx waits ${spokenTime(here.ms)}.` }],
    };
  }
}

function isKnown(setting: LintSetting): setting is LintSetting & { readonly ms: number } {
  return setting.ms !== undefined && (setting.at !== undefined || setting.isSure);
}
