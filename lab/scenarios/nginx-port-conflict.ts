import { defineScenario } from '../scenario.ts';
import { apacheBackend } from '../servers/apache.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

export default [
  defineScenario({
    name: 'nginx-port-conflict',
    title: 'After a restart nginx cannot bind its port: Apache has it',
    kind: 'fault',
    fault: 'nginx-port-conflict',
    url: 'http://127.0.0.1:8088/',
    setUp: async host => {
      await gunicorn(host, { name: 'museum', code: wsgiApp('museum'), bind: '127.0.0.1:8702' });
      await nginxSite(host, { name: 'museum', listen: '8088', server: 'location / { proxy_pass http://127.0.0.1:8702; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.systemctl('stop', 'nginx');
      await apacheBackend(host, { listen: '8088', files: { 'index.html': 'It works!\n' } });
      if ((await host.exec(['systemctl', 'start', 'nginx'])).code === 0) throw new Error('nginx has started');
    },
    symptom: async host => {
      const { responses } = await host.request({ urls: ['http://127.0.0.1:8088/'] });
      if (responses[0]?.body.includes('museum')) throw new Error('nginx still serves');
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', evidence: [/8088/], notFindings: ['nginx-down', 'backend-down'] },
    repair: async host => {
      await host.systemctl('stop', 'apache2');
      await host.start('nginx');
    },
  }),
  defineScenario({
    name: 'nginx-port-conflict-twin-stopped',
    title: 'nginx was stopped; Apache listens on a port of its own',
    kind: 'twin',
    fault: 'nginx-down',
    twinOf: 'nginx-port-conflict',
    url: 'http://127.0.0.1:8088/',
    setUp: async host => {
      await apacheBackend(host, { listen: '127.0.0.1:8089', files: { 'index.html': 'museum\n' } });
      await nginxSite(host, { name: 'museum', listen: '8088', server: 'location / { proxy_pass http://127.0.0.1:8089; }' });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'nginx'),
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1:8088/'] });
      if (!counts['ECONNREFUSED']) throw new Error(`clients are not refused: ${JSON.stringify(counts)}`);
    },
    expect: { verdict: 'failing', status: 'active' },
    repair: host => host.start('nginx'),
  }),
  defineScenario({
    name: 'nginx-port-conflict-old-nginx',
    title: 'An nginx that was started by hand still has the port and answers; the unit cannot start',
    kind: 'fault',
    fault: 'nginx-port-conflict',
    url: 'http://127.0.0.1:8088/',
    setUp: async host => {
      await gunicorn(host, { name: 'museum', code: wsgiApp('museum'), bind: '127.0.0.1:8702' });
      await nginxSite(host, { name: 'museum', listen: '8088', server: 'location / { proxy_pass http://127.0.0.1:8702; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.systemctl('stop', 'nginx');
      await host.run(['systemd-run', '--quiet', '--unit=by-hand', '/usr/sbin/nginx', '-g', 'daemon off;']);
      await host.until('it to answer', async () => (await host.request({ urls: ['http://127.0.0.1:8088/'] })).counts['200'] === 1);
      if ((await host.exec(['systemctl', 'start', 'nginx'])).code === 0) throw new Error('the unit has started');
    },
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1:8088/'] });
      if (counts['200'] !== 1) throw new Error(`the old nginx does not answer: ${JSON.stringify(counts)}`);
    },
    expect: { verdict: 'at-risk', exitCode: 1, firstConfidence: 'confirmed', status: 'latent', evidence: [/8088/], notFindings: ['nginx-down'] },
    repair: async host => {
      await host.systemctl('stop', 'by-hand');
      await host.start('nginx');
    },
  }),
];
