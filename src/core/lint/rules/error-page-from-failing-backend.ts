import { errorPagesOf, pageScope } from '../error-pages.ts';
import type { LintPass } from '../passes.ts';
import { defineLintRule, spotOf } from '../rule.ts';
import type { Scope } from '../scopes.ts';

/** The page is looked for like any other address: where no location of its own has it, the one that passes everything on does. */
export default defineLintRule({
  meta: {
    id: 'error-page-from-failing-backend',
    title: 'The error page is asked of the backend that failed',
    severity: 'notice',
  },
  *check(view) {
    const byScope = new Map<Scope, LintPass>(view.passes.map(pass => [pass.scope, pass]));
    for (const pass of view.passes) {
      if (pass.kind === 'stream') continue;
      for (const { directive, target } of errorPagesOf(pass)) {
        if (!target.startsWith('/')) continue;
        const scope = pageScope(view, pass, target);
        const answering = scope === undefined ? undefined : byScope.get(scope);
        if (answering === undefined || answering.kind !== pass.kind || authorityOf(answering) !== authorityOf(pass) || pass.variables.length > 0) continue;
        // A backend for error pages inherits them too, and its own failure is another matter.
        if (answering.scope === pass.scope && pass.scope.directive?.args.at(-1)?.value !== '/') continue;
        yield {
          at: spotOf(directive),
          message: `\`${target}\` has no location of its own: nginx asks "${authorityOf(pass) ?? ''}" for the page, the very backend that has just failed. The failing request takes twice as long, and users see nginx's own page.`,
          advice: `Keep the page here: \`location = ${target} { root /usr/share/nginx/html; internal; }\`.`,
          related: [{ at: spotOf(answering.directive), text: 'This is where the page is asked for.' }],
        };
      }
    }
  },
});

function authorityOf({ targets }: LintPass): string | undefined {
  return targets[0]?.authority;
}
