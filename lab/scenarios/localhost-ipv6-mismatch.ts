import { defineScenario } from '../scenario.ts';
import { nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

export default [
  defineScenario({
    name: 'localhost-ipv6-mismatch',
    title: 'nginx asks localhost, which is ::1 as well; the backend listens on 127.0.0.1 alone',
    kind: 'fault',
    fault: 'localhost-ipv6-mismatch',
    setUp: async host => {
      await gunicorn(host, { name: 'maps', code: wsgiApp('maps'), bind: '[::]:8188' });
      await nginxSite(host, { name: 'maps', server: 'location / { proxy_pass http://localhost:8188; proxy_next_upstream off; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: host => gunicorn(host, { name: 'maps', code: wsgiApp('maps'), bind: '127.0.0.1:8188' }),
    // After one refusal nginx leaves ::1 alone for ten seconds: most requests are answered, and a single one proves nothing.
    trafficMs: 4000,
    symptom: async host => {
      const failed = (await host.read('/var/log/nginx/access.log')).split('\n').filter(line => line.includes(' 502 ') && line.includes('ua=[::1]:8188'));
      if (failed.length === 0) throw new Error('nobody got a 502 from [::1]:8188');
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', notFindings: ['backend-down', 'address-mismatch'] },
    // The sockets of the host tell it too: nobody may call that recovered for want of a question.
    also: async (_host, badhop) => {
      const { report } = await badhop(['diagnose', '--format', 'json', '--no-probe']);
      if (report?.verdict !== 'failing') throw new Error(`without questions: ${report?.verdict}`);
    },
    fix: 'first-plan',
    repair: async host => {
      await replaceIn(host, '/etc/nginx/sites-enabled/maps.conf', 'localhost:8188', '127.0.0.1:8188');
      await reloadNginx(host);
    },
  }),
  defineScenario({
    name: 'localhost-ipv6-mismatch-twin-stopped',
    title: 'Both addresses of localhost refuse, because the backend was stopped',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'localhost-ipv6-mismatch',
    setUp: async host => {
      await gunicorn(host, { name: 'maps', code: wsgiApp('maps'), bind: '127.0.0.1:8188' });
      await nginxSite(host, {
        name: 'maps',
        http: 'upstream maps { server localhost:8188 fail_timeout=2s; }',
        server: 'location / { proxy_pass http://maps; }',
      });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'maps'),
    expect: { verdict: 'failing', status: 'active' },
    fix: 'first-plan',
    repair: host => host.start('maps'),
  }),
  defineScenario({
    name: 'localhost-ipv6-mismatch-reverse',
    title: 'The backend moved to ::1 alone, and nginx asks both addresses of localhost with retries that hide it',
    kind: 'fault',
    fault: 'localhost-ipv6-mismatch',
    setUp: async host => {
      await nodeApp(host, { name: 'atlas', listen: '[::]:5055', code: nodeHttp("response.end('atlas\\n');") });
      await nodeApp(host, { name: 'tiles', listen: '127.0.0.1:5056', code: nodeHttp("response.end('tiles\\n');") });
      await nginxSite(host, {
        name: 'atlas',
        http: 'upstream atlas {\n    server localhost:5055 max_fails=0;\n    keepalive 4;\n}',
        server: 'location / { proxy_pass http://atlas; }\nlocation /tiles/ { proxy_pass http://127.0.0.1:5056; }',
        log: 'timed',
        logs: 'own',
      });
      await startNginx(host);
    },
    breakIt: host => nodeApp(host, { name: 'atlas', listen: '[::1]:5055', code: nodeHttp("response.end('atlas\\n');") }),
    symptom: async host => {
      await host.request({ urls: ['http://127.0.0.1/'], count: 6 });
      const errors = await host.read('/var/log/nginx/atlas.error.log');
      if (!errors.includes('127.0.0.1:5055')) throw new Error(`no try was refused: ${errors}`);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      subject: { id: '127.0.0.1:5055' },
      notFindings: ['backend-down', 'address-mismatch'],
    },
    fix: 'first-plan',
    repair: async host => {
      await replaceIn(host, '/etc/nginx/sites-enabled/atlas.conf', 'localhost:5055', '[::1]:5055');
      await reloadNginx(host);
    },
  }),
];
