import { headersOf, type LintPass } from '../passes.ts';
import { defineLintRule, spotOf } from '../rule.ts';
import { own } from '../scopes.ts';
import { beside } from '../splices.ts';
import { paramsLostBy } from '../lost-params.ts';

/** Debian's and nginx's `fastcgi_params` do not hold it; `fastcgi.conf` and Debian's snippets/fastcgi-php.conf do. */
export default defineLintRule({
  meta: {
    id: 'fastcgi-script-filename-missing',
    title: 'php-fpm is not told which file to run',
    severity: 'error',
  },
  *check(view) {
    for (const pass of view.passes) {
      if (pass.kind !== 'fastcgi') continue;
      const { directives, isSure } = headersOf(pass);
      if (!isSure || directives.some(one => one.args[0]?.value === 'SCRIPT_FILENAME') || paramsLostBy(pass) !== undefined) continue;
      if (!isForPhp(pass)) continue;
      const line = 'fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;';
      // Beside no other parameter it would take the inherited ones away.
      const change = own(pass.scope, 'fastcgi_param').length > 0 ? beside(pass, line) : undefined;
      yield {
        at: spotOf(pass.directive),
        message: `No \`fastcgi_param SCRIPT_FILENAME\` is in force here${directives.length === 0 ? ', nor any other parameter' : ''}: php-fpm does not know which file to run, and answers with an empty page or "File not found.".`,
        advice: `${directives.length === 0 ? '`include fastcgi_params;` and write' : 'Write'} \`${line}\` beside the pass.`,
        ...(change === undefined ? {} : { fix: { summary: 'Tell php-fpm the file', changes: [change] } }),
      };
    }
  },
});

/** FastCGI is spoken by other programs too, which need no file. */
function isForPhp({ scope, targets, directive }: LintPass): boolean {
  const path = scope.kind === 'location' ? (scope.directive?.args.at(-1)?.value ?? '') : '';
  const texts = [path, directive.args[0]?.value ?? '', ...targets.flatMap(target => target.members.map(member => member.token.value))];
  return texts.some(text => /php|fpm/i.test(text)) || targets.some(target => target.members.some(member => member.address.port === 9000));
}
