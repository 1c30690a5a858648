import type { ConfigDirective } from '../../model/facts/nginx.ts';
import type { TextChange } from '../../model/nginx-edits.ts';
import { ownListens } from '../own-listens.ts';
import { effectivePort, type LintPass, type LintTarget } from '../passes.ts';
import { endingsOf, idleLimitOf, keepaliveOf, keepsConnections } from '../reuse.ts';
import { defineLintRule, spotOf } from '../rule.ts';
import { settingOf } from '../scopes.ts';
import { behind, revalued } from '../splices.ts';
import type { LintMember, LintUpstream } from '../upstreams.ts';
import { membersPassedTo } from '../upstreams-used.ts';
import type { LintView } from '../view.ts';
import { spokenTime, writtenTime } from '../words.ts';

/** After how long a program closes an idle connection unless it is told otherwise: its own documentation, measured for gunicorn and Node. */
const programs: readonly { readonly words: RegExp; readonly name: string; readonly ms: number; readonly option: string }[] = [
  { words: /(?:^|[^a-z])gunicorn/i, name: 'gunicorn with threads', ms: 2000, option: '--keep-alive' },
  { words: /(?:^|[^a-z])uvicorn/i, name: 'uvicorn', ms: 5000, option: '--timeout-keep-alive' },
  { words: /(?:^|[^a-z])hypercorn/i, name: 'hypercorn', ms: 5000, option: 'keep_alive_timeout' },
  { words: /(?:^|[^a-z])puma/i, name: 'Puma before 7', ms: 20_000, option: 'persistent_timeout' },
  { words: /(?:^|[^a-z])node(?:js)?[^a-z]/i, name: 'Node', ms: 5000, option: 'server.keepAliveTimeout' },
];
/** nginx's own `keepalive_timeout` towards clients. */
const innerDefaultMs = 75_000;

interface Closing {
  readonly ms: number;
  readonly text: string;
  readonly advice: string;
  readonly at?: ConfigDirective;
  readonly isSure: boolean;
}

/** The side that sends requests must be the first one to close an idle connection, or a request meets the other's close. */
export default defineLintRule({
  meta: {
    id: 'keepalive-race',
    title: 'A backend closes idle connections before nginx does',
    severity: 'warning',
    fault: 'keepalive-race',
  },
  *check(view) {
    const told = new Set<LintUpstream>();
    for (const { pass, target, member } of membersPassedTo(view)) {
      const { upstream } = target;
      if (pass.kind !== 'proxy' || upstream === undefined || told.has(upstream)) continue;
      if (!upstream.scope.isWhole || !keepsConnections(upstream, view) || endingsOf(pass, view).length > 0) continue;
      const closing = closingOf(view, pass, target, member);
      const limit = idleLimitOf(upstream, view);
      if (closing === undefined || closing.ms === 0 || closing.ms > limit.ms) continue;
      told.add(upstream);
      const idle = Number.isFinite(limit.ms) ? `for ${spokenTime(limit.ms)}${limit.at === undefined ? ' by default' : ''}` : 'without a limit';
      const shorter = Math.max(closing.ms >= 2000 ? Math.floor((closing.ms * 0.6) / 1000) * 1000 : Math.floor(closing.ms * 0.6), 1);
      yield {
        at: spotOf(limit.at ?? keepaliveOf(upstream) ?? upstream.directive),
        message: `nginx keeps idle connections of "${upstream.name}" ${idle}, and ${closing.text}. A request that is sent in the moment of that close is lost: a GET is repeated unseen, a POST gets a 502.`,
        advice: `Set \`keepalive_timeout ${writtenTime(shorter)};\` in the upstream, ${closing.advice}.`,
        related: [{ at: spotOf(closing.at ?? member.directive, closing.at === undefined ? member.token : undefined), text: 'This side closes first.' }],
        ...(closing.isSure ? {} : { severity: 'notice' as const }),
        ...(view.since('1.15.3')
          ? { fix: { summary: 'Let nginx close idle connections first', changes: [change(upstream, limit.at, writtenTime(shorter))] } }
          : {}),
      };
    }
  },
});

function closingOf(view: LintView, pass: LintPass, target: LintTarget, member: LintMember): Closing | undefined {
  const inner = ownListens(view, member.address, effectivePort(pass, target, member));
  const limits = inner.map(({ server }) => ({ server, at: settingOf(server.scope, 'keepalive_timeout') }));
  const [longest] = limits.toSorted((a, b) => (b.at?.ms ?? innerDefaultMs) - (a.at?.ms ?? innerDefaultMs));
  if (longest !== undefined) {
    const ms = longest.at?.ms ?? innerDefaultMs;
    const where = longest.at?.at;
    return {
      ms,
      text: `the server block that "${member.token.value}" leads to closes them after ${spokenTime(ms)}${where === undefined ? ' by default' : ''}`,
      advice: 'or a longer one in that server',
      ...(where === undefined ? {} : { at: where }),
      isSure: true,
    };
  }
  // Where nobody wrote `keepalive`, a guess by a name is not worth a line.
  if (target.upstream === undefined || keepaliveOf(target.upstream) === undefined) return undefined;
  const file = member.address.path?.slice(member.address.path.lastIndexOf('/') + 1);
  const program = file === undefined ? undefined : programs.find(({ words }) => words.test(file));
  return (
    program && {
      ms: program.ms,
      text: `${program.name}, whose socket this seems to be, closes them after ${spokenTime(program.ms)} unless \`${program.option}\` says more`,
      advice: `or raise \`${program.option}\` above nginx's limit`,
      isSure: false,
    }
  );
}

function change(upstream: LintUpstream, at: ConfigDirective | undefined, value: string): TextChange {
  if (at !== undefined) return revalued(at, value);
  const last = keepaliveOf(upstream) ?? upstream.members.at(-1)?.directive ?? upstream.directive;
  return behind(last, `keepalive_timeout ${value};`);
}
