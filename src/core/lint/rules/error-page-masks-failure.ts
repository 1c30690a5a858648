import { answersWith, errorPagesOf, pageScope, type ErrorPage } from '../error-pages.ts';
import type { LintPass } from '../passes.ts';
import { defineLintRule, spotOf } from '../rule.ts';
import type { LintView } from '../view.ts';

/** Monitors, caches and load balancers judge by the status alone. */
export default defineLintRule({
  meta: {
    id: 'error-page-masks-failure',
    title: 'A failure of the backend is answered as a success',
    severity: 'warning',
  },
  *check(view) {
    for (const pass of view.passes) {
      // The status of gRPC stands in a header of its own, under an HTTP status of success.
      if (pass.kind === 'stream' || pass.kind === 'grpc') continue;
      const intercept = pass.setting('intercept_errors');
      for (const page of errorPagesOf(pass)) {
        const status = statusOf(page, pass, view);
        if (status === undefined || status < 200 || status > 399) continue;
        const equals = page.directive.args.find(arg => arg.value.startsWith('='));
        yield {
          at: spotOf(page.directive),
          message: `${page.codes.join(', ')} for requests that are passed on here ${page.codes.length > 1 ? 'become' : 'becomes'} ${status}${isSpare(page, pass, view) ? `, whatever \`${page.target}\` answers` : ''}: monitors, caches and load balancers in front take the failure for a good answer, and the access log shows it in $upstream_status alone.${intercept.args[0] === 'on' ? ' With the errors of the backend intercepted, its own ones are hidden too.' : ''}`,
          advice: `Leave \`${equals?.value ?? '='}\` out, so that the page is sent with the status of the failure.`,
          related: [{ at: spotOf(pass.directive), text: 'Requests are passed on here.' }],
          ...(equals === undefined || page.target.startsWith('@')
            ? {}
            : {
                fix: {
                  summary: 'Send the page with the status of the failure',
                  changes: [{ path: page.directive.path, start: equals.start, end: behindSpace(page, equals.end), text: '' }],
                },
              }),
        };
      }
    }
  },
});

/** The status that clients get. `undefined` where another backend answers, or it cannot be told. */
function statusOf({ status, target }: ErrorPage, pass: LintPass, view: LintView): number | undefined {
  if (typeof status === 'number') return status;
  // A page on another host is a redirect: 302 unless something else is written.
  if (status === 'same') return /^https?:\/\//.test(target) ? 302 : undefined;
  const scope = pageScope(view, pass, target);
  if (scope === undefined) return undefined;
  const answer = answersWith(scope);
  return answer.kind === 'pass' ? undefined : answer.kind === 'return' ? answer.status : 200;
}

/** Another backend answers; a status that is written takes the place of its own (seen with nginx 1.22.1: its 500 is sent as 200). */
function isSpare({ target }: ErrorPage, pass: LintPass, view: LintView): boolean {
  const scope = pageScope(view, pass, target);
  return scope !== undefined && answersWith(scope).kind === 'pass';
}

function behindSpace({ directive }: ErrorPage, end: number): number {
  return directive.args.find(arg => arg.start > end)?.start ?? end;
}
