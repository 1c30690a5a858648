import { parseSize } from '../../derive/directives.ts';
import { innerPasses } from '../inner-hops.ts';
import type { LintPass } from '../passes.ts';
import { phpSettings } from '../php-settings.ts';
import { defineLintRule, spotOf, type LintProblem } from '../rule.ts';
import { inForce, own, settingOf, type Scope } from '../scopes.ts';
import type { LintView } from '../view.ts';
import { writtenSize } from '../words.ts';

const defaultBytes = 1_048_576;
/** Uploads go here; the others may as well be read from, or take a few lines. */
const surelyUpload = /(?:^|[/_(|-])upload(?:[/_)|.-]|$)/i;
const uploads = /(?:^|[/_(|-])(?:uploads?|attachments?|import|imports|multipart)(?:[/_)|.-]|$)/i;

/** A larger body is a 413 of nginx itself; the backend never hears of it. */
export default defineLintRule({
  meta: {
    id: 'request-body-too-large',
    title: 'Uploads are larger than nginx takes',
    severity: 'warning',
    fault: 'request-body-too-large',
  },
  *check(view) {
    for (const pass of view.passes) {
      if (pass.kind === 'stream') continue;
      yield* uploadLocation(pass);
      yield* phpAllowsMore(pass);
    }
    yield* innerAllowsLess(view);
  },
});

interface Limit {
  /** Infinite where it is switched off with 0. */
  readonly bytes: number;
  readonly at: ReturnType<typeof settingOf>;
}

/** `undefined` where it cannot be told. */
function limitOf(scope: Scope): Limit | undefined {
  const at = settingOf(scope, 'client_max_body_size');
  if (at === undefined) return inForce(scope, 'client_max_body_size').isSure ? { bytes: defaultBytes, at } : undefined;
  return at.bytes === undefined ? undefined : { bytes: at.bytes === 0 ? Number.POSITIVE_INFINITY : at.bytes, at };
}

function* uploadLocation(pass: LintPass): Generator<LintProblem> {
  const { directive, kind } = pass.scope;
  const path = kind === 'location' ? (directive?.args.at(-1)?.value ?? '') : '';
  const limit = limitOf(pass.scope);
  if (directive === undefined || limit === undefined || limit.at !== undefined || !uploads.test(path.slice(0, 500)) || isReadOnly(pass.scope)) return;
  yield {
    at: spotOf(directive),
    message: `\`${path}\` looks like a place for uploads, and no \`client_max_body_size\` is set: nginx answers 413 to a body of more than ${writtenSize(limit.bytes)}, and the backend never hears of it.`,
    advice: 'Set `client_max_body_size` in this location to what the backend takes, such as `client_max_body_size 50m;`.',
    ...(surelyUpload.test(path.slice(0, 500)) ? {} : { severity: 'notice' as const }),
  };
}

/** `limit_except GET` keeps everything with a body out. */
function isReadOnly(scope: Scope): boolean {
  return own(scope, 'limit_except').some(({ args }) => args.every(arg => arg.value === 'GET' || arg.value === 'HEAD'));
}

/** `fastcgi_param PHP_VALUE "upload_max_filesize=100M"`: somebody meant to allow it. */
function* phpAllowsMore(pass: LintPass): Generator<LintProblem> {
  const limit = limitOf(pass.scope);
  if (pass.kind !== 'fastcgi' || limit === undefined) return;
  const allowed = phpSettings(pass).filter(({ name }) => name === 'upload_max_filesize' || name === 'post_max_size');
  for (const { at: line, name, value } of allowed) {
    const bytes = parseSize(value) ?? 0;
    if (bytes <= limit.bytes) continue;
    yield {
      at: spotOf(line),
      message: `PHP takes ${writtenSize(bytes)} (${name}), and nginx ${writtenSize(limit.bytes)}${limit.at === undefined ? ' by default' : ''}: it answers 413 to what is larger, and PHP never hears of it.`,
      advice: `Set \`client_max_body_size ${writtenSize(bytes)};\` in this location.`,
      related: [{ at: spotOf(limit.at?.at ?? pass.directive), text: limit.at === undefined ? 'The default holds here.' : "This is nginx's limit." }],
    };
  }
}

function* innerAllowsLess(view: LintView): Generator<LintProblem> {
  for (const { outer, inner } of innerPasses(view)) {
    const [here, there] = [limitOf(outer.scope), limitOf(inner.scope)];
    if (here?.at === undefined || there === undefined || there.bytes >= here.bytes) continue;
    yield {
      at: spotOf(here.at.at),
      message: `Bodies of ${Number.isFinite(here.bytes) ? writtenSize(here.bytes) : 'any size'} are taken here, and the server of this file behind "${outer.token.value}" takes ${writtenSize(there.bytes)}${there.at === undefined ? ' by default' : ''}: what is larger gets its 413 there.`,
      advice: 'Set `client_max_body_size` in the inner server to the same size.',
      related: [{ at: spotOf(there.at?.at ?? inner.directive), text: 'The inner hop takes less.' }],
    };
  }
}
