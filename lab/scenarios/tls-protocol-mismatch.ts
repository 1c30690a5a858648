import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { certificate } from '../servers/certificates.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttps } from '../servers/node.ts';

const server = async (host: LabHost, options: string): Promise<void> => {
  const files = { certificate: '/srv/mint-tls/mint.crt', key: '/srv/mint-tls/mint.key' };
  await nodeApp(host, { name: 'mint', code: nodeHttps(files, options), listen: '127.0.0.1:8553' });
};

async function setUp(host: LabHost): Promise<void> {
  const files = await certificate(host, { file: 'mint', names: ['mint.test'], folder: '/srv/mint-tls' });
  await host.run(['chown', 'www-data', files.key]);
  await server(host, '');
  await nginxSite(host, { name: 'mint', server: 'location / { proxy_pass https://127.0.0.1:8553; }', logs: 'own' });
  await startNginx(host);
}

export default [
  defineScenario({
    name: 'tls-protocol-mismatch',
    title: "The backend was set to TLS 1.3 alone, which this nginx's default does not offer to upstreams",
    kind: 'fault',
    fault: 'tls-protocol-mismatch',
    setUp,
    breakIt: host => server(host, "minVersion: 'TLSv1.3',"),
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      notFindings: ['tls-sni-missing', 'tls-client-certificate-required'],
    },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'tls-protocol-mismatch-twin-client-certificate',
    title: 'The backend now wants a client certificate: the handshake is refused in every version',
    kind: 'twin',
    fault: 'tls-client-certificate-required',
    twinOf: 'tls-protocol-mismatch',
    setUp,
    breakIt: host => server(host, "requestCert: true, rejectUnauthorized: true, maxVersion: 'TLSv1.2', ca: readFileSync('/srv/mint-tls/mint.crt'),"),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
  }),
];
