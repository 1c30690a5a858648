import { spotOf, defineLintRule, type LintProblem } from '../rule.ts';
import { own } from '../scopes.ts';
import { makeSetting, originOf } from '../../derive/directives.ts';
import type { LintPass } from '../passes.ts';
import { revalued } from '../splices.ts';
import type { LintView } from '../view.ts';
import { spokenTime, writtenTime } from '../words.ts';

/** Limits of one hop that undo each other (ngx_http_upstream_next, ngx_http_core_keepalive). */
export default defineLintRule({
  meta: {
    id: 'timeouts-contradict',
    title: 'Two time limits of one hop undo each other',
    severity: 'warning',
  },
  *check(view) {
    for (const pass of view.passes) {
      if (pass.kind === 'stream') continue;
      yield* retriesThatNeverCome(pass);
      yield* connectLongerThanRead(pass);
    }
    yield* promisedTooLong(view);
  },
});

/** `next_upstream_timeout` is looked at when a try has failed: after a try that took as long, there is no next one. */
function* retriesThatNeverCome(pass: LintPass): Generator<LintProblem> {
  const total = pass.setting('next_upstream_timeout');
  const connect = pass.setting('connect_timeout');
  const { args } = pass.setting('next_upstream');
  if (total.at === undefined || total.ms === undefined || total.ms === 0 || connect.ms === undefined || total.ms > connect.ms) return;
  if (!args.includes('timeout') || (connect.at === undefined && !connect.isSure)) return;
  const group = pass.targets.find(target => target.members.filter(member => !member.isDown && !member.isBackup).length > 1);
  if (group === undefined) return;
  yield {
    at: spotOf(total.at),
    message: `All tries together may take ${spokenTime(total.ms)}, and the first one alone may wait ${spokenTime(connect.ms)} for a connection${connect.at === undefined ? ' by default' : ''}: a server of "${group.authority}" that does not answer uses up the time, no other one is asked, and the request gets a 504.`,
    advice: `Set \`${pass.kind}_connect_timeout\` to a part of ${spokenTime(total.ms)}, so that another server can be asked: \`${pass.kind}_connect_timeout ${writtenTime(Math.max(1, total.ms > 3000 ? Math.floor(total.ms / 3000) * 1000 : Math.floor(total.ms / 3)))};\`.`,
    related: [{ at: spotOf(connect.at ?? pass.directive), text: `A try waits ${spokenTime(connect.ms)} for its connection.` }],
  };
}

function* connectLongerThanRead(pass: LintPass): Generator<LintProblem> {
  const [connect, read] = [pass.setting('connect_timeout'), pass.setting('read_timeout')];
  if (connect.at === undefined || read.at === undefined || connect.ms === undefined || read.ms === undefined || read.ms === 0) return;
  if (connect.ms <= read.ms) return;
  yield {
    at: spotOf(connect.at),
    message: `nginx waits ${spokenTime(connect.ms)} for a connection and ${spokenTime(read.ms)} for an answer: a server that is unreachable holds requests longer than one that is slow.`,
    advice: 'A connection takes a few milliseconds: a connect timeout of a few seconds lets nginx ask another server in time.',
    related: [{ at: spotOf(read.at), text: `An answer may take ${spokenTime(read.ms)}.` }],
    severity: 'notice',
  };
}

/** `keepalive_timeout 65 75`: the second time is what clients are told. */
function* promisedTooLong(view: LintView): Generator<LintProblem> {
  for (const scope of view.scopes) {
    if (scope.layer !== 'http' || scope.kind === 'upstream') continue;
    for (const directive of own(scope, 'keepalive_timeout')) {
      const [real, told] = directive.args.map(arg => makeSetting('keepalive_timeout', [arg.value], originOf(directive)).ms);
      if (real === undefined || told === undefined || real === 0 || told <= real) continue;
      yield {
        at: spotOf(directive),
        message: `Clients are told that a connection may be idle for ${spokenTime(told)}, and nginx closes it after ${spokenTime(real)}: a load balancer in front sends requests on connections that are just being closed, and answers 502.`,
        advice: 'Tell clients at most the time that nginx waits, or let nginx wait longer.',
        fix: { summary: 'Tell clients the time that nginx waits', changes: [revalued(directive, writtenTime(real), 1)] },
      };
    }
  }
}
