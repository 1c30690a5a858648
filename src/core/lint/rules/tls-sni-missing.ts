import { isHostName } from '../addresses.ts';
import { defineLintRule, spotOf } from '../rule.ts';
import { beside, revalued } from '../splices.ts';
import { targetsOf } from '../upstreams-used.ts';

/** Off by default in every version: `proxy_ssl_server_name`, `grpc_ssl_server_name`, `uwsgi_ssl_server_name`. */
export default defineLintRule({
  meta: {
    id: 'tls-sni-missing',
    title: 'TLS is spoken to a named server without saying the name',
    severity: 'warning',
    fault: 'tls-sni-missing',
  },
  *check(view) {
    for (const { pass, target } of targetsOf(view)) {
      if (!target.tls) continue;
      const { args, at, isSure } = pass.setting('ssl_server_name');
      const named = [target.upstream === undefined ? target.authority : '', ...target.members.map(member => member.address.host ?? '')];
      // With `ssl_verify` the name has another use: one certificate is held against it, whoever is asked.
      const written = pass.setting('ssl_verify').args[0] === 'on' ? undefined : pass.setting('ssl_name').at?.args[0]?.value;
      const host = [written ?? '', ...named].map(text => text.replace(/:\d*$/, '')).find(text => isHostName(text) && text.includes('.'));
      if (args[0] === 'on' || !isSure || host === undefined) continue;
      const name = `${pass.kind}_ssl_server_name`;
      const change = at === undefined ? beside(pass, `${name} on;`) : revalued(at, 'on');
      yield {
        at: spotOf(pass.directive, pass.token),
        message: `nginx does not say "${host}" in the TLS handshake, because \`${name}\` is off${at === undefined ? ' by default' : ''}. A server that has more than one certificate answers with the wrong one or with an alert, which is a 502.`,
        advice: `Set \`${name} on;\`.`,
        ...(at === undefined ? {} : { related: [{ at: spotOf(at), text: 'It is switched off here.' }] }),
        // With a group, the name that would be said is the group's own, which no server knows.
        ...((target.upstream === undefined || written === host) && change !== undefined
          ? { fix: { summary: 'Say the name in the handshake', changes: [change] } }
          : {}),
      };
    }
  },
});
