import type { ConfigDirective } from '../model/facts/nginx.ts';
import { headersOf, type LintPass } from './passes.ts';

/** A setting of PHP that nginx hands to php-fpm with each request. */
export interface PhpSetting {
  /** The `fastcgi_param` that it stands in. */
  readonly at: ConfigDirective;
  readonly name: string;
  readonly value: string;
}

const longest = 4000;

/** `fastcgi_param PHP_VALUE "max_execution_time=300 \n post_max_size=20M"`: each line one setting, as in php.ini (PHP's manual, FastCGI). */
export function phpSettings(pass: LintPass): readonly PhpSetting[] {
  if (pass.kind !== 'fastcgi') return [];
  return headersOf(pass).directives.flatMap(at => {
    const [name, value = ''] = at.args.map(arg => arg.value);
    if (name !== 'PHP_VALUE' && name !== 'PHP_ADMIN_VALUE') return [];
    return value
      .slice(0, longest)
      .split(/[\n;]|\\n/)
      .flatMap(line => {
        const equals = line.indexOf('=');
        if (equals === -1) return [];
        return [
          {
            at,
            name: line.slice(0, equals).trim().toLowerCase(),
            value: line
              .slice(equals + 1)
              .trim()
              .replaceAll(/^["']|["']$/g, ''),
          },
        ];
      });
  });
}
