import { defineScenario } from '../scenario.ts';
import { certificate } from '../servers/certificates.ts';
import { nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

const SITE = '/etc/nginx/sites-enabled/vault.conf';

export default [
  defineScenario({
    name: 'tls-to-plaintext',
    title: 'proxy_pass says https, and the backend speaks plain HTTP',
    kind: 'fault',
    fault: 'tls-to-plaintext',
    setUp: async host => {
      await nodeApp(host, { name: 'vault', code: nodeHttp(), listen: '127.0.0.1:8943' });
      await nginxSite(host, { name: 'vault', server: 'location / { proxy_pass http://127.0.0.1:8943; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, SITE, 'http://127', 'https://127');
      await reloadNginx(host);
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, notFindings: ['protocol-mismatch', 'backend-down'] },
    fix: 'first-plan',
    repair: async host => {
      await replaceIn(host, SITE, 'https://127', 'http://127');
      await reloadNginx(host);
    },
  }),
  defineScenario({
    name: 'tls-to-plaintext-silent',
    title: 'The same with a backend that waits for the end of a line and says nothing',
    kind: 'fault',
    fault: 'tls-to-plaintext',
    fails: 504,
    setUp: async host => {
      await gunicorn(host, { name: 'vault', code: wsgiApp('vault'), bind: '127.0.0.1:8943', workers: 2, threads: 32 });
      await nginxSite(host, { name: 'vault', server: 'location / { proxy_pass http://127.0.0.1:8943; proxy_connect_timeout 1s; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, SITE, 'http://127', 'https://127');
      await reloadNginx(host);
    },
    trafficMs: 2000,
    expect: { verdict: 'failing', status: 'active', notFindings: ['backend-hung'] },
    repair: async host => {
      await replaceIn(host, SITE, 'https://127', 'http://127');
      await reloadNginx(host);
    },
  }),
  defineScenario({
    name: 'tls-to-plaintext-twin-stopped',
    title: 'The backend speaks TLS as it should, and was stopped',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'tls-to-plaintext',
    setUp: async host => {
      const { certificate: file, key } = await certificate(host, { file: 'vault', names: ['localhost'], folder: '/srv/vault' });
      await host.run(['chown', 'www-data', key]);
      await gunicorn(host, { name: 'vault', code: wsgiApp('vault'), bind: '127.0.0.1:8943', args: ['--certfile', file, '--keyfile', key] });
      await nginxSite(host, { name: 'vault', server: 'location / { proxy_pass https://127.0.0.1:8943; }' });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'vault'),
    expect: { verdict: 'failing', status: 'active' },
    fix: 'first-plan',
    repair: host => host.start('vault'),
  }),
];
