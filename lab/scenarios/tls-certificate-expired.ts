import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { certificate, certificateAuthority } from '../servers/certificates.ts';
import { nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttps } from '../servers/node.ts';

const CA = { certificate: '/etc/ssl/lab/ca.crt', key: '/etc/ssl/lab/ca.key' };
const SITE = '/etc/nginx/sites-enabled/wallet.conf';

const serve = async (host: LabHost, leaf: { file: string; names: string[]; fromDays?: number; toDays?: number; ca?: typeof CA }): Promise<void> => {
  const files = await certificate(host, { folder: '/srv/wallet-tls', ...leaf });
  await host.run(['chown', 'www-data', files.key]);
  await nodeApp(host, { name: 'wallet', code: nodeHttps(files), listen: '127.0.0.1:8773' });
};

async function setUp(host: LabHost): Promise<void> {
  await certificateAuthority(host);
  await serve(host, { file: 'good', names: ['wallet.test'], ca: CA });
  await nginxSite(host, {
    name: 'wallet',
    http: 'upstream wallet.test { server 127.0.0.1:8773; }',
    server: `location / {\n    proxy_pass https://wallet.test;\n    proxy_ssl_verify on;\n    proxy_ssl_trusted_certificate ${CA.certificate};\n    proxy_ssl_session_reuse off;\n}`,
    log: 'timed',
  });
  await startNginx(host);
}

export default [
  defineScenario({
    name: 'tls-certificate-expired',
    title: "The backend's certificate expired yesterday, and nginx verifies it",
    kind: 'fault',
    fault: 'tls-certificate-expired',
    setUp,
    breakIt: host => serve(host, { file: 'old', names: ['wallet.test'], fromDays: -90, toDays: -1, ca: CA }),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, notFindings: ['tls-untrusted-issuer', 'tls-name-mismatch'] },
    repair: host => serve(host, { file: 'new', names: ['wallet.test'], ca: CA }),
  }),
  defineScenario({
    name: 'tls-certificate-expired-twin-issuer',
    title: 'The certificate is in its dates and signed by itself',
    kind: 'twin',
    fault: 'tls-untrusted-issuer',
    twinOf: 'tls-certificate-expired',
    setUp,
    breakIt: host => serve(host, { file: 'own', names: ['wallet.test'] }),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
  }),
  defineScenario({
    name: 'tls-certificate-expired-twin-unverified',
    title: 'An expired certificate that nobody looks at, before a backend that was stopped',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'tls-certificate-expired',
    setUp: async host => {
      await setUp(host);
      await replaceIn(host, SITE, 'proxy_ssl_verify on', 'proxy_ssl_verify off');
      await serve(host, { file: 'old', names: ['wallet.test'], fromDays: -90, toDays: -1, ca: CA });
      await reloadNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'wallet'),
    expect: { verdict: 'failing', status: 'active' },
  }),
];
