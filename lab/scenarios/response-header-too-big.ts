import { defineScenario } from '../scenario.ts';
import { fastcgiPass, nginxSite, startNginx } from '../servers/nginx.ts';
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
