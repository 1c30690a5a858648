import { defineScenario } from '../scenario.ts';
import { fastcgiPass, nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

export default [
  defineScenario({
    name: 'response-header-too-big',
    title: 'The login page sets cookies of nine kilobytes, more than nginx keeps for a header',
    kind: 'fault',
    fault: 'response-header-too-big',
    url: 'http://127.0.0.1/login.php',
    setUp: async host => {
      const login =
        '<?php if (is_file("/var/www/members/large")) foreach (range(1, 9) as $n) header("Set-Cookie: part$n=" . str_repeat("x", 1000), false); echo "login\\n";';
      await phpFpm(host, {
        pool: 'members',
        listen: '/run/php/members.sock',
        root: '/var/www/members',
        files: { 'index.php': '<?php echo "members\\n";', 'login.php': login },
      });
      await nginxSite(host, { name: 'members', server: fastcgiPass('unix:/run/php/members.sock', '/var/www/members'), log: 'timed' });
      await startNginx(host);
    },
    breakIt: host => host.write('/var/www/members/large', ''),
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/login.php'], rps: 8 },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9 },
    fix: 'first-plan',
    repair: async host => {
      await host.run(['rm', '/var/www/members/large']);
    },
  }),
  defineScenario({
    name: 'response-header-too-big-busy',
    title: 'A token of 12 kilobytes in the header, in a location that sets its buffers and busy_buffers_size itself',
    kind: 'fault',
    fault: 'response-header-too-big',
    url: 'http://127.0.0.1/api/big-header?n=12000',
    setUp: async host => {
      await gunicorn(host, {
        name: 'tokens',
        code: wsgiApp('tokens').replace('environ["PATH_INFO"]', 'environ["PATH_INFO"].replace("/api", "", 1)'),
        bind: '127.0.0.1:8404',
        workers: 3,
      });
      await nginxSite(host, {
        name: 'tokens',
        http: 'upstream tokens { server 127.0.0.1:8404; }\nproxy_buffers 4 16k;',
        server:
          'location /api/ {\n    proxy_buffer_size 16k;\n    proxy_busy_buffers_size 32k;\n    proxy_pass http://tokens;\n}\nlocation / { proxy_pass http://tokens; }',
        logs: 'own',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      const path = '/etc/nginx/sites-enabled/tokens.conf';
      await replaceIn(host, path, 'proxy_buffer_size 16k;', 'proxy_buffer_size 4k;');
      await replaceIn(host, path, 'proxy_buffers 4 16k;', 'proxy_buffers 16 4k;');
      await replaceIn(host, path, 'proxy_busy_buffers_size 32k;', 'proxy_busy_buffers_size 8k;');
      await reloadNginx(host);
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, evidence: ['proxy_buffer_size 4k'] },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'response-header-too-big-some-users',
    title: 'Only who sends a session cookie gets the large header, so nobody else can measure it',
    kind: 'fault',
    fault: 'response-header-too-big',
    url: 'http://127.0.0.1/account',
    setUp: async host => {
      const app = "response.setHeader('Set-Cookie', request.headers.cookie ? 'state=' + 'x'.repeat(7000) : 'state=none'); response.end('account\\n');";
      await nodeApp(host, { name: 'account', code: nodeHttp(app), listen: '127.0.0.1:3100' });
      await nginxSite(host, { name: 'account', server: 'location / { proxy_pass http://127.0.0.1:3100; }', log: 'timed' });
      await startNginx(host);
    },
    traffic: { urls: ['http://127.0.0.1/account', 'http://127.0.0.1/'], headers: { cookie: 'session=1' }, rps: 8 },
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/account'], headers: { cookie: 'session=1' } });
      if (!counts['502']) throw new Error(`no 502 but ${JSON.stringify(counts)}`);
    },
    expect: { verdict: 'failing', firstConfidence: 'likely', status: 'active', minShare: 0.9, notFindings: ['backend-crashing'] },
  }),
  defineScenario({
    name: 'response-header-too-big-twin-dies',
    title: 'The worker dies before its header is complete, on the page with the large header',
    kind: 'twin',
    fault: 'backend-crashing',
    twinOf: 'response-header-too-big',
    url: 'http://127.0.0.1/die',
    setUp: async host => {
      await gunicorn(host, { name: 'members', code: wsgiApp('members'), bind: '127.0.0.1:8077', workers: 3 });
      await nginxSite(host, {
        name: 'members',
        server: 'location / { proxy_pass http://127.0.0.1:8077; proxy_buffer_size 32k; proxy_buffers 8 32k; }',
        log: 'timed',
      });
      await startNginx(host);
    },
    healthy: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/big-header?n=9000'] });
      if (!counts['200']) throw new Error(`no 200 but ${JSON.stringify(counts)}`);
    },
    traffic: { urls: ['http://127.0.0.1/big-header?n=9000', 'http://127.0.0.1/die', 'http://127.0.0.1/'], rps: 4 },
    trafficMs: 3000,
    expect: { verdict: 'failing', status: 'active' },
  }),
];
