import { defineScenario } from '../scenario.ts';
import { nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

const SITE = '/etc/nginx/sites-enabled/radio.conf';

export default [
  defineScenario({
    name: 'nginx-config-not-reloaded',
    title: 'The backend moved, the file was corrected, and nobody reloaded nginx',
    kind: 'fault',
    fault: 'nginx-config-not-reloaded',
    setUp: async host => {
      await gunicorn(host, { name: 'radio', code: wsgiApp('radio'), bind: '127.0.0.1:8251' });
      await nginxSite(host, { name: 'radio', server: 'location / { proxy_pass http://127.0.0.1:8251; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      // A second later than the workers, as the file times tell.
      await host.shell('sleep 1.1');
      await gunicorn(host, { name: 'radio', code: wsgiApp('radio'), bind: '127.0.0.1:8252' });
      await replaceIn(host, SITE, ':8251', ':8252');
    },
    expect: { verdict: 'failing', status: 'active', minShare: 0.9, notFindings: ['backend-down'] },
    fix: 'first-plan',
    repair: host => reloadNginx(host),
  }),
  defineScenario({
    name: 'nginx-config-not-reloaded-twin-wrong-file',
    title: 'nginx was reloaded with an address that is wrong, after which the file was touched',
    kind: 'twin',
    fault: 'address-mismatch',
    twinOf: 'nginx-config-not-reloaded',
    setUp: async host => {
      await gunicorn(host, { name: 'radio', code: wsgiApp('radio'), bind: '127.0.0.1:8251' });
      await nginxSite(host, { name: 'radio', server: 'location / { proxy_pass http://127.0.0.1:8251; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, SITE, ':8251', ':8215');
      await reloadNginx(host);
      await host.shell('sleep 1.1; printf "# reviewed\\n" >> "$1"', [SITE]);
    },
    expect: { verdict: 'failing', status: 'active' },
    repair: async host => {
      await replaceIn(host, SITE, ':8215', ':8251');
      await reloadNginx(host);
    },
  }),
  defineScenario({
    name: 'nginx-config-not-reloaded-twin-invalid',
    title: 'The backend moved and the file was corrected, but another file has a mistake: the reload was refused',
    kind: 'twin',
    fault: 'nginx-config-invalid',
    twinOf: 'address-mismatch',
    setUp: async host => {
      await nodeApp(host, { name: 'radio', code: nodeHttp(), listen: '127.0.0.1:8261' });
      await nginxSite(host, { name: 'radio', server: 'location / { proxy_pass http://127.0.0.1:8261; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.shell('sleep 1.2');
      await nodeApp(host, { name: 'radio', code: nodeHttp(), listen: '127.0.0.1:8262' });
      await replaceIn(host, SITE, ':8261', ':8262');
      await host.write('/etc/nginx/conf.d/limits.conf', 'limit_req_zonne $binary_remote_addr zone=all:1m rate=10r/s;\n');
      if ((await host.exec(['systemctl', 'reload', 'nginx'])).code === 0) throw new Error('nginx has loaded it');
    },
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      consequences: ['nginx-config-not-reloaded'],
      evidence: ['limit_req_zonne'],
    },
    repair: async host => {
      await host.run(['rm', '/etc/nginx/conf.d/limits.conf']);
      await reloadNginx(host);
    },
  }),
];
