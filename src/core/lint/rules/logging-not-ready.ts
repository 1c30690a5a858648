import type { ConfigDirective } from '../../model/facts/nginx.ts';
import type { LintPass } from '../passes.ts';
import { defineLintRule, spotOf, type LintProblem } from '../rule.ts';
import { around, inForce, own, type InForce } from '../scopes.ts';

/** Without these nobody can tell a 502 of nginx from one of the backend, nor which server made it. */
const needed = ['upstream_addr', 'upstream_status'] as const;
/** One of these shows whether the backend answered at all. */
const answered = ['upstream_header_time', 'upstream_bytes_received', 'upstream_connect_time', 'upstream_response_length'] as const;
/** Requests that many leave out of the log on purpose. */
const unloggedPaths = /health|ping|status|metrics|alive|live\b|ready|favicon|robots|\.(?:\(|\?|\\?[a-z])|static|assets|_next|auth|beacon|heartbeat/i;

/** nginx's own error log tells why, and never the status; only the access log tells who answered. */
export default defineLintRule({
  meta: {
    id: 'logging-not-ready',
    title: 'The access log cannot tell who made an error',
    severity: 'notice',
    fault: 'logging-not-ready',
  },
  *check(view) {
    for (const pass of view.passes) {
      if (pass.kind === 'stream') continue;
      const logs = inForce(pass.scope, 'access_log');
      if (logs.directives.length === 0) continue;
      const written = logs.directives.filter(one => one.args[0]?.value !== 'off');
      if (written.length === 0) yield* unlogged(pass, logs);
      else yield* untold(pass, written);
    }
  },
});

function* unlogged(pass: LintPass, { directives, scope }: InForce): Generator<LintProblem> {
  const [off] = directives;
  const path = pass.scope.directive?.args.at(-1)?.value ?? '';
  if (off === undefined || scope === undefined || unloggedPaths.test(path)) return;
  yield {
    at: spotOf(off),
    message:
      'Requests that are passed on here are not logged: when they fail, nothing tells how many did, which ones, and whether nginx or the backend answered.',
    advice: 'Log them, or only the failing ones: `access_log /var/log/nginx/failed.log FORMAT if=$failed;` with a map of $status.',
    related: [{ at: spotOf(pass.directive), text: 'Requests are passed on here.' }],
  };
}

function* untold(pass: LintPass, written: readonly ConfigDirective[]): Generator<LintProblem> {
  const http = around(pass.scope, 'http');
  const formats = written.map(log => ({
    log,
    name: formatNameOf(log),
    format: formatOf(http === undefined ? [] : own(http, 'log_format'), formatNameOf(log)),
  }));
  // What is not known may tell everything.
  if (formats.some(({ name, format }) => (format === undefined ? name !== 'combined' : isReady(format)))) return;
  const [first] = formats;
  if (first === undefined) return;
  const { log, name, format } = first;
  // The line of a distribution for all sites is nobody's choice.
  const isChosen = format !== undefined || log.args.length > 1 || around(pass.scope, 'server') === scopeWith(pass, log) || pass.scope === scopeWith(pass, log);
  if (!isChosen) return;
  const text = format === undefined ? '' : textOf(format);
  const missing = [...needed.filter(one => !holds(text, one)), ...(answered.some(one => holds(text, one)) ? [] : ['upstream_header_time'])].map(
    one => `$${one}`,
  );
  yield {
    at: spotOf(format ?? log, format?.args[0]),
    message: `The format "${name}", in which requests that are passed on are logged, lacks ${missing.join(', ')}: of a 502 nobody can say whether nginx made it or the backend answered it, and which server.`,
    advice: `Add \`us=$upstream_status ua=$upstream_addr uct=$upstream_connect_time uht=$upstream_header_time urt=$upstream_response_time ub=$upstream_bytes_received\` to the ${format === undefined ? 'log, with a `log_format` of your own' : 'format'}.`,
    related: format === undefined ? [{ at: spotOf(pass.directive), text: 'Requests are passed on here.' }] : [{ at: spotOf(log), text: 'It is used here.' }],
  };
}

/** `access_log PATH FORMAT buffer=32k`: the second word, unless it is a parameter already. */
function formatNameOf({ args }: ConfigDirective): string {
  const second = args[1]?.value;
  return second === undefined || /^(?:buffer|gzip|flush|if)=?/.test(second) ? 'combined' : second;
}

function formatOf(formats: readonly ConfigDirective[], name: string): ConfigDirective | undefined {
  return formats.findLast(one => one.args[0]?.value === name);
}

function isReady(format: ConfigDirective): boolean {
  const text = textOf(format);
  return needed.every(one => holds(text, one)) && answered.some(one => holds(text, one));
}

function textOf({ args }: ConfigDirective): string {
  return args
    .slice(1)
    .map(arg => arg.value)
    .join('');
}

function holds(text: string, name: string): boolean {
  return text.includes(`$${name}`) || text.includes(`\${${name}}`);
}

function scopeWith(pass: LintPass, log: ConfigDirective): InForce['scope'] {
  const { directives, scope } = inForce(pass.scope, 'access_log');
  return directives.includes(log) ? scope : undefined;
}
