import type { ConfigDirective } from '../../model/facts/nginx.ts';
import { defineLintRule, spotOf } from '../rule.ts';
import { inForce } from '../scopes.ts';

/** Above `error`, where nearly all that is said of upstreams stands: refused, reset, timed out, closed. */
const quietLevels = new Set(['crit', 'alert', 'emerg']);

export default defineLintRule({
  meta: {
    id: 'error-log-too-quiet',
    title: 'The error log leaves out why requests fail',
    severity: 'notice',
    fault: 'logging-not-ready',
  },
  *check(view) {
    for (const pass of view.passes) {
      const logs = inForce(pass.scope, 'error_log').directives;
      const [first] = logs;
      if (first === undefined || !logs.every(log => isQuiet(log))) continue;
      const [path = '', level] = first.args.map(arg => arg.value);
      const what =
        path === 'off'
          ? '`error_log off` does not switch the log off: it writes a file that is called `off`, where nobody looks for it'
          : path === '/dev/null'
            ? 'Errors are written nowhere'
            : `At the level \`${level ?? ''}\` the log leaves out that a backend refused, reset, closed or did not answer`;
      yield {
        at: spotOf(first),
        message: `${what}: why a request that is passed on here failed with 502 or 504 is then told by nothing.`,
        advice: 'Write `error_log /var/log/nginx/error.log warn;`, or leave the level out, which is `error`.',
        related: [{ at: spotOf(pass.directive), text: 'Requests are passed on here.' }],
      };
    }
  },
});

function isQuiet({ args }: ConfigDirective): boolean {
  const [path, level] = args.map(arg => arg.value);
  return path === '/dev/null' || path === 'off' || quietLevels.has(level ?? '');
}
