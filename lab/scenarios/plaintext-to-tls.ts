import { defineScenario } from '../scenario.ts';
import { certificate } from '../servers/certificates.ts';
import { nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttps } from '../servers/node.ts';

const SITE = '/etc/nginx/sites-enabled/ledger.conf';

export default [
  defineScenario({
    name: 'plaintext-to-tls',
    title: 'proxy_pass says http, and the backend speaks TLS and closes',
    kind: 'fault',
    fault: 'plaintext-to-tls',
    setUp: async host => {
      const files = await certificate(host, { file: 'ledger', names: ['localhost'], folder: '/srv/ledger-tls' });
      await host.run(['chown', 'www-data', files.key]);
      await nodeApp(host, { name: 'ledger', code: nodeHttps(files), listen: '127.0.0.1:9443' });
      await nginxSite(host, { name: 'ledger', server: 'location / {\n    proxy_pass https://127.0.0.1:9443;\n}' });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, SITE, 'https://127', 'http://127');
      await reloadNginx(host);
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, notFindings: ['protocol-mismatch', 'backend-crashing'] },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'plaintext-to-tls-twin-wrong-way',
    title: 'The other way round: https to a backend that speaks plain HTTP',
    kind: 'twin',
    fault: 'tls-to-plaintext',
    twinOf: 'plaintext-to-tls',
    setUp: async host => {
      await nodeApp(host, {
        name: 'ledger',
        code: "require('node:http').createServer((q, r) => r.end('ok')).listen(9443, '127.0.0.1');",
        listen: '127.0.0.1:9443',
      });
      await nginxSite(host, { name: 'ledger', server: 'location / {\n    proxy_pass http://127.0.0.1:9443;\n}' });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, SITE, 'http://127', 'https://127');
      await reloadNginx(host);
    },
    expect: { verdict: 'failing', status: 'active' },
  }),
];
