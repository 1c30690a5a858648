import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { certificate } from '../servers/certificates.ts';
import { nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttps } from '../servers/node.ts';

const SITE = '/etc/nginx/sites-enabled/bank.conf';

const server = async (host: LabHost, options: string): Promise<void> => {
  const files = { certificate: '/srv/bank-tls/bank.crt', key: '/srv/bank-tls/bank.key' };
  await nodeApp(host, { name: 'bank', code: nodeHttps(files, options), listen: '127.0.0.1:8663' });
};

async function setUp(host: LabHost): Promise<void> {
  const files = await certificate(host, { file: 'bank', names: ['bank.test'], folder: '/srv/bank-tls' });
  await host.run(['chown', 'www-data', files.key]);
  await server(host, '');
  await nginxSite(host, {
    name: 'bank',
    server: 'location / {\n    proxy_ssl_protocols TLSv1.2 TLSv1.3;\n    proxy_pass https://127.0.0.1:8663;\n}',
    log: 'timed',
  });
  await startNginx(host);
}

export default [
  defineScenario({
    name: 'tls-client-certificate-required',
    title: 'The backend was switched to mutual TLS; in TLS 1.3 the handshake itself still succeeds',
    kind: 'fault',
    fault: 'tls-client-certificate-required',
    setUp,
    breakIt: host => server(host, "requestCert: true, rejectUnauthorized: true, ca: readFileSync('/srv/bank-tls/bank.crt'),"),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, notFindings: ['tls-protocol-mismatch', 'backend-crashing'] },
    repair: async host => {
      const own = '    proxy_ssl_certificate /srv/bank-tls/bank.crt;\n        proxy_ssl_certificate_key /srv/bank-tls/bank.key;\n        proxy_pass';
      await replaceIn(host, SITE, '    proxy_pass', own);
      await reloadNginx(host);
    },
  }),
  defineScenario({
    name: 'tls-client-certificate-required-twin-asked',
    title: 'The backend asks for a certificate and goes on without one; what failed is its TLS 1.2',
    kind: 'twin',
    fault: 'tls-protocol-mismatch',
    twinOf: 'tls-client-certificate-required',
    setUp,
    breakIt: async host => {
      await server(host, "requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.3',");
      await replaceIn(host, SITE, 'TLSv1.2 TLSv1.3', 'TLSv1.2');
      await reloadNginx(host);
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
    fix: 'first-plan',
  }),
];
