import { defineLintRule, spotOf, type LintProblem } from '../rule.ts';
import type { LintPass } from '../passes.ts';
import { own } from '../scopes.ts';
import { behind, revalued } from '../splices.ts';
import { writtenSize } from '../words.ts';

/** A page of memory, which nginx takes where nothing is written. */
const pageBytes = 4096;
/** Locations of programs that answer a sign-in with cookies of several kilobytes. */
const signIns = /^(?:\/oauth2(?:\/|$)|.*(?:\/signin-oidc|\/oidc\/|\/oauth2\/callback|\/realms(?:\/|$)))/i;

/** The header of an answer has to fit into the one buffer of `*_buffer_size`; `*_buffers` are for what follows it. */
export default defineLintRule({
  meta: {
    id: 'response-header-too-big',
    title: 'The buffer for the header of an answer is small for what comes',
    severity: 'warning',
    fault: 'response-header-too-big',
  },
  *check(view) {
    for (const pass of view.passes) {
      if (pass.kind === 'stream' || pass.kind === 'memcached') continue;
      const { at, bytes, isSure } = pass.setting('buffer_size');
      if (at !== undefined && bytes !== undefined && bytes < pageBytes) {
        yield {
          at: spotOf(at),
          message: `The header of an answer gets ${writtenSize(bytes)}, less than the ${writtenSize(pageBytes)} of the default: an answer with a few cookies or a long Location is refused with a 502, "upstream sent too big header".`,
          advice: `Take the line out, or set \`${at.name} 8k;\`.`,
          fix: { summary: 'Give the header of an answer the default size', changes: [revalued(at, '4k')] },
        };
      } else if (isSure || at !== undefined) yield* signIn(pass, bytes ?? pageBytes);
    }
  },
});

function* signIn(pass: LintPass, bytes: number): Generator<LintProblem> {
  const path = pass.scope.kind === 'location' ? (pass.scope.directive?.args.at(-1)?.value ?? '') : '';
  if (!signIns.test(path) || bytes > pageBytes) return;
  const written = own(pass.scope, `${pass.kind}_buffer_size`).at(-1);
  const room = `${pass.kind}_buffer_size 16k;${pass.kind === 'grpc' ? '' : ` ${pass.kind}_buffers 8 16k;`}`;
  yield {
    at: spotOf(pass.directive),
    message: `\`${path}\` looks like a sign-in, whose answers carry tokens in cookies; nginx has ${writtenSize(bytes)} for the header of an answer, and refuses a larger one with a 502, "upstream sent too big header".`,
    advice: `Set \`${room}\` in this location.`,
    severity: 'notice',
    ...(written === undefined && own(pass.scope, `${pass.kind}_buffers`).length === 0 && own(pass.scope, `${pass.kind}_busy_buffers_size`).length === 0
      ? { fix: { summary: 'Give the header of an answer more room', changes: [behind(pass.directive, room)] } }
      : {}),
  };
}
