import { defineLintRule, spotOf } from '../rule.ts';
import { isUnset } from '../scopes.ts';
import { targetsOf } from '../upstreams-used.ts';

/** ngx_http_proxy_set_ssl and its likes refuse to start; only passes that speak TLS are asked. */
export default defineLintRule({
  meta: {
    id: 'tls-untrusted-issuer',
    title: "An upstream's certificate is to be verified, and no authority is trusted",
    severity: 'error',
    fault: 'tls-untrusted-issuer',
  },
  *check(view) {
    for (const { pass, target } of targetsOf(view)) {
      if (!target.tls || pass.kind === 'stream') continue;
      const verify = pass.setting('ssl_verify');
      const trusted = `${pass.kind}_ssl_trusted_certificate`;
      if (verify.args[0] !== 'on' || verify.at === undefined || !isUnset(pass.scope, trusted)) continue;
      yield {
        at: spotOf(verify.at),
        message: `There is no \`${trusted}\`, so nginx could trust no certificate at all; it does not start ("no ${trusted} for ${pass.kind}_ssl_verify").`,
        advice: `Name the authorities: \`${trusted} /etc/ssl/certs/ca-certificates.crt;\` on Debian, /etc/pki/tls/certs/ca-bundle.crt on RHEL, or the file of your own authority.`,
        related: [{ at: spotOf(pass.directive), text: 'TLS is spoken here.' }],
      };
    }
  },
});
