import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { certificate, certificateAuthority } from '../servers/certificates.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttps } from '../servers/node.ts';

const CA = { certificate: '/etc/nginx/trusted/ca.crt', key: '/etc/nginx/trusted/ca.key' };

const serve = async (host: LabHost, leaf: { file: string; names: string[]; fromDays?: number; toDays?: number }): Promise<void> => {
  const files = await certificate(host, { folder: '/srv/cards-tls', ca: CA, ...leaf });
  await host.run(['chown', 'www-data', files.key]);
  await nodeApp(host, { name: 'cards', code: nodeHttps(files), listen: '127.0.0.1:8883' });
};

async function setUp(host: LabHost): Promise<void> {
  await certificateAuthority(host, { folder: '/etc/nginx/trusted' });
  await serve(host, { file: 'good', names: ['cards', 'cards.test'] });
  await nginxSite(host, {
    name: 'cards',
    http: 'upstream cards { server 127.0.0.1:8883; }',
    server: `proxy_ssl_verify on;\nproxy_ssl_trusted_certificate ${CA.certificate};\nproxy_ssl_session_reuse off;\nlocation / { proxy_pass https://cards; }`,
  });
  await startNginx(host);
}

export default [
  defineScenario({
    name: 'tls-name-mismatch',
    title: "The renewed certificate no longer holds the upstream's name, which nginx expects",
    kind: 'fault',
    fault: 'tls-name-mismatch',
    setUp,
    breakIt: host => serve(host, { file: 'new', names: ['cards.test'] }),
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      evidence: ['cards.test'],
      notFindings: ['tls-untrusted-issuer'],
    },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'tls-name-mismatch-twin-expired',
    title: 'The name is right, and the certificate has expired',
    kind: 'twin',
    fault: 'tls-certificate-expired',
    twinOf: 'tls-name-mismatch',
    setUp,
    breakIt: host => serve(host, { file: 'old', names: ['cards'], fromDays: -9, toDays: -2 }),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
  }),
];
