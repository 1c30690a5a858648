import type { ConfigDirective } from '../model/facts/nginx.ts';
import type { TextChange } from '../model/nginx-edits.ts';
import type { LintPass } from './passes.ts';

/** Puts directives in front of another one, on its line: `proxy_http_version 1.1; `. */
export function before({ path, start }: ConfigDirective, text: string): TextChange {
  return { path, start, end: start, text: `${text} ` };
}

/** Puts directives in front of a pass. None inside `if` and `limit_except`, which take hardly any directive beside the pass. */
export function beside(pass: LintPass, text: string): TextChange | undefined {
  return pass.scope.kind === 'location' ? before(pass.directive, text) : undefined;
}

/** Puts directives behind another one, on its line. */
export function behind({ path, end }: ConfigDirective, text: string): TextChange {
  return { path, start: end, end, text: ` ${text}` };
}

/** Gives a directive another first argument. */
export function revalued(directive: ConfigDirective, text: string, index = 0): TextChange {
  const token = directive.args[index];
  return { path: directive.path, start: token?.start ?? directive.end, end: token?.end ?? directive.end, text };
}

/** Gives a directive another name. */
export function renamed({ path, start, name }: ConfigDirective, text: string): TextChange {
  return { path, start, end: start + name.length, text };
}
