import { defineLintRule, spotOf } from '../rule.ts';

/** Seen with nginx 1.22.1: with either of them at 0, each request is a 504 after some milliseconds. A send timeout of 0 does no such harm. */
export default defineLintRule({
  meta: {
    id: 'timeout-zero',
    title: 'A time limit of zero ends every request at once',
    severity: 'error',
    fault: 'backend-slower-than-timeout',
  },
  *check(view) {
    for (const pass of view.passes) {
      if (pass.kind === 'stream') continue;
      for (const name of ['connect_timeout', 'read_timeout']) {
        const { at, ms } = pass.setting(name);
        if (at === undefined || ms !== 0) continue;
        yield {
          at: spotOf(at),
          message: `A limit of 0 does not mean "without a limit": the timer runs out at once, and requests for "${pass.token.value}" get a 504.`,
          advice: `Write how long is long enough, such as \`${at.name} ${name === 'connect_timeout' ? '5s' : '300s'};\`, or take the line out for the default of 60 s.`,
          related: [{ at: spotOf(pass.directive), text: 'Requests are passed on here.' }],
        };
      }
    }
  },
});
