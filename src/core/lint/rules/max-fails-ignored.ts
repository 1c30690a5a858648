import { isIpLiteral } from '../../derive/pass-target.ts';
import { defineLintRule, spotOf } from '../rule.ts';
import { parameter } from '../upstreams.ts';

/** `peers->single` in ngx_http_upstream_round_robin.c: a group of one address, without backup, is never marked as failed. */
export default defineLintRule({
  meta: {
    id: 'max-fails-ignored',
    title: 'The only server of a group has limits that nginx does not apply',
    severity: 'notice',
  },
  *check(view) {
    for (const { members, name, scope } of view.upstreams) {
      const [member, ...others] = members;
      if (member === undefined || others.length > 0 || !scope.isWhole) continue;
      const { host = '', path } = member.address;
      // A name may have several addresses, which are several servers.
      if (path === undefined && !isIpLiteral(host)) continue;
      const [first, second] = ['max_fails', 'fail_timeout'].flatMap(one => parameter(member.directive, one) ?? []);
      // What switches the counting off says what happens anyway; `fail_timeout=0` is the form that guides of gunicorn give.
      if (first === undefined || member.maxFails === 0 || member.failTimeoutMs === 0) continue;
      const words = [first, second].flatMap(one => (one === undefined ? [] : [`\`${one.token.value}\``])).join(' and ');
      yield {
        at: spotOf(member.directive, first.token),
        message: `"${name}" has one server, and nginx never takes the only one out of use: ${words} ${second === undefined ? 'has' : 'have'} no effect. While it is down, each request is tried and gets a 502.`,
        advice: 'Add a second server, or take the parameters out, so that nobody counts on them.',
      };
    }
  },
});
