import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { certificate, certificateAuthority, type Certificate } from '../servers/certificates.ts';
import { nginxSite, reloadNginx, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttps } from '../servers/node.ts';

const CA = { certificate: '/etc/nginx/ca/ca.crt', key: '/etc/nginx/ca/ca.key' };

const serve = async (host: LabHost, leaf: { file: string; names: string[]; ca: Certificate }): Promise<void> => {
  const files = await certificate(host, { folder: '/srv/rates-tls', ...leaf });
  await host.run(['chown', 'www-data', files.key]);
  await nodeApp(host, { name: 'rates', code: nodeHttps(files), listen: '127.0.0.1:8993' });
};

async function setUp(host: LabHost): Promise<void> {
  await certificateAuthority(host, { folder: '/etc/nginx/ca', name: 'Rates CA 2025' });
  await serve(host, { file: 'good', names: ['rates.test'], ca: CA });
  await nginxSite(host, {
    name: 'rates',
    server: `location /rates/ {\n    proxy_pass https://127.0.0.1:8993/;\n    proxy_ssl_name rates.test;\n    proxy_ssl_verify on;\n    proxy_ssl_trusted_certificate ${CA.certificate};\n    proxy_ssl_session_reuse off;\n}`,
    log: 'timed',
  });
  await startNginx(host);
}

async function changeIssuer(host: LabHost): Promise<void> {
  const next = await certificateAuthority(host, { folder: '/srv/ca-next', name: 'Rates CA 2026' });
  await serve(host, { file: 'next', names: ['rates.test'], ca: next });
}

export default [
  defineScenario({
    name: 'tls-untrusted-issuer',
    title: "The backend's new certificate comes from an authority that nginx was not told of",
    kind: 'fault',
    fault: 'tls-untrusted-issuer',
    url: 'http://127.0.0.1/rates/',
    setUp,
    breakIt: changeIssuer,
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      notFindings: ['tls-certificate-expired', 'tls-name-mismatch'],
    },
    repair: host => serve(host, { file: 'again', names: ['rates.test'], ca: CA }),
  }),
  defineScenario({
    name: 'tls-untrusted-issuer-twin-name',
    title: 'The issuer is trusted, and the certificate is for another name',
    kind: 'twin',
    fault: 'tls-name-mismatch',
    twinOf: 'tls-untrusted-issuer',
    url: 'http://127.0.0.1/rates/',
    setUp,
    breakIt: host => serve(host, { file: 'other', names: ['prices.test'], ca: CA }),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
  }),
  defineScenario({
    name: 'tls-untrusted-issuer-mended-on-disk',
    title: 'The file of authorities got the new one after the certificate had changed, and nobody let nginx read it',
    kind: 'fault',
    fault: 'tls-untrusted-issuer',
    url: 'http://127.0.0.1/rates/',
    setUp,
    breakIt: async host => {
      await changeIssuer(host);
      await host.shell('cat /srv/ca-next/ca.crt >> "$1"', [CA.certificate]);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: 'possible',
      status: 'active',
      orFirst: ['nginx-config-not-reloaded'],
      minShare: 0.9,
      notFindings: ['tls-name-mismatch', 'tls-certificate-expired'],
      check: ({ findings }) => (JSON.stringify(findings[0]?.fixes).includes('reload') ? [] : ['no plan reloads nginx']),
    },
    repair: reloadNginx,
  }),
];
