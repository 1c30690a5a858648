import { defineFix } from '../model/fix.ts';
import type { FixStep } from '../model/finding.ts';
import { reloadNginx } from '../model/nginx-reload.ts';

/** What a person does about certificates: keys and authorities are nothing for a tool to make up. */
export default defineFix({
  id: 'repair-upstream-certificate',
  fixes: ['tls-certificate-expired', 'tls-untrusted-issuer', 'tls-client-certificate-required'],
  plan(finding, facts) {
    const { address, kind, file, depth, module, place } = finding.fixData ?? {};
    if (typeof address !== 'string') return undefined;
    const reload = reloadNginx(facts);
    const reloading = ['nginx -t', ...(reload.kind === 'command' ? [reload.argv.join(' ')] : [])];
    const look = `openssl s_client -connect ${address} -showcerts </dev/null`;
    const steps: FixStep[] = [];
    if (kind === 'expired') {
      steps.push(
        {
          kind: 'manual',
          text: 'Look at the dates of every certificate that the backend shows.',
          commands: [`${look} | openssl x509 -noout -subject -issuer -dates`],
        },
        { kind: 'manual', text: 'Renew the certificate where it was issued, put it in its place on the backend, and let the backend load it.', commands: [] },
      );
    } else if (kind === 'early') {
      steps.push(
        {
          kind: 'manual',
          text: 'Compare the clock of this host with that of another: one that is slow finds every new certificate too early.',
          commands: ['date -u', 'timedatectl'],
        },
        { kind: 'manual', text: 'Where the clock is right, let the backend show its former certificate until the new one begins.', commands: [look] },
      );
    } else if (kind === 'untrusted') {
      steps.push(
        { kind: 'manual', text: 'Make sure that the certificate is the one the backend should show.', commands: [look] },
        {
          kind: 'manual',
          text: `Where it is, put the certificate of its issuer into ${typeof file === 'string' ? file : 'the file of proxy_ssl_trusted_certificate'}. Where the backend leaves out an intermediate certificate, let it send the whole chain.`,
          commands: reloading,
        },
      );
    } else if (kind === 'at-odds') {
      steps.push(
        { kind: 'manual', text: `Let nginx read ${typeof file === 'string' ? file : 'its file of authorities'} again, as it is now.`, commands: reloading },
        {
          kind: 'manual',
          text: `Where that does not end it, count the certificates between the backend's own and the authority: more than ${String(depth)} of them need a larger proxy_ssl_verify_depth.`,
          commands: [look],
        },
      );
    } else {
      const prefix = typeof module === 'string' ? module : 'proxy';
      steps.push({
        kind: 'manual',
        text: `Get a client certificate that ${address} accepts, and write into the location (${String(place)}): ${prefix}_ssl_certificate /path/client.crt; ${prefix}_ssl_certificate_key /path/client.key;`,
        commands: reloading,
      });
    }
    return {
      id: 'repair-upstream-certificate',
      summary: summaryOf(kind, address),
      automatic: false,
      risk: 'medium',
      minutes: 30,
      steps,
      validate: [],
      verify: 'Requests through nginx succeed, and its error log names no failed handshake.',
    };
  },
});

function summaryOf(kind: unknown, address: string): string {
  if (kind === 'expired') return `Renew the certificate of ${address}`;
  if (kind === 'early') return `Find out why the certificate of ${address} begins later than the clock says`;
  if (kind === 'untrusted') return `Let nginx know the issuer of ${address}`;
  if (kind === 'at-odds') return `Let nginx read its authorities for ${address} again, or follow a longer chain`;
  return `Give nginx a certificate for ${address}`;
}
