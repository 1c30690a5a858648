import { isIpLiteral } from '../../derive/pass-target.ts';
import { isHostName, writtenAddress } from '../addresses.ts';
import { defineLintRule, spotOf } from '../rule.ts';
import { inForce } from '../scopes.ts';
import { targetsOf } from '../upstreams-used.ts';

/** The name that a certificate is held against is the one in the pass: of a group, the group's own. */
export default defineLintRule({
  meta: {
    id: 'tls-name-mismatch',
    title: 'The name for TLS to an upstream is one that no certificate has',
    severity: 'error',
    fault: 'tls-name-mismatch',
  },
  *check(view) {
    for (const { pass, target } of targetsOf(view)) {
      if (!target.tls || pass.kind === 'stream' || target.variables.length > 0) continue;
      const verify = pass.setting('ssl_verify');
      const sni = pass.setting('ssl_server_name');
      const name = inForce(pass.scope, `${pass.kind}_ssl_name`);
      if (name.directives.length > 0 || !name.isSure) continue;
      const host = writtenAddress(target.authority).host ?? '';
      const isGroup = target.upstream !== undefined && !host.includes('.');
      const isAddress = isIpLiteral(host) || target.authority.startsWith('unix:');
      const isVerified = verify.args[0] === 'on' && verify.isSure;
      const isSaid = sni.args[0] === 'on' && sni.isSure;
      if (!(isVerified && (isGroup || isAddress)) && !(isSaid && isGroup)) continue;
      const directive = isVerified ? verify.at : sni.at;
      const named = target.upstream?.members.map(member => member.address.host ?? '').find(text => isHostName(text) && text.includes('.'));
      // One's own servers, given by their addresses, can have a certificate that is made out for the group.
      if (isGroup && named === undefined && !isVerified) continue;
      const severity = isGroup && named === undefined ? 'notice' : isGroup && isVerified ? 'error' : 'warning';
      const what = isGroup ? `the name of the group, "${target.authority}"` : `"${target.authority}"`;
      const follows =
        severity === 'notice'
          ? 'a certificate that is not made out for it is a 502 for each request'
          : `${isGroup ? 'no certificate is made out for it' : 'a certificate is made out for a name'}, so each request gets a 502`;
      yield {
        at: spotOf(pass.directive, pass.token),
        message: isVerified
          ? `nginx holds the certificate against ${what}, because no \`${pass.kind}_ssl_name\` says another; ${follows} ("upstream SSL certificate does not match").`
          : `nginx says ${what} in the TLS handshake, because no \`${pass.kind}_ssl_name\` says another; a server that does not know it answers with an alert or the wrong certificate.`,
        advice: `Set \`${pass.kind}_ssl_name ${named ?? 'NAME'};\`${named === undefined ? ' with the name that the certificate is for' : ''}.`,
        related:
          directive === undefined
            ? []
            : [{ at: spotOf(directive), text: isVerified ? 'The certificate is verified because of this.' : 'The name is said because of this.' }],
        severity,
      };
    }
  },
});
