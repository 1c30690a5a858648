import { defineScenario } from '../scenario.ts';
import { fastcgiPass, nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { phpFpm } from '../servers/php-fpm.ts';
import { uwsgi, wsgiApp } from '../servers/python.ts';

export default [
  defineScenario({
    name: 'protocol-mismatch',
    title: 'proxy_pass speaks HTTP to the FastCGI port of php-fpm',
    kind: 'fault',
    fault: 'protocol-mismatch',
    setUp: async host => {
      await phpFpm(host, { pool: 'press', listen: '127.0.0.1:9077', root: '/var/www/press', files: { 'index.php': '<?php echo "press\\n";' } });
      await nginxSite(host, { name: 'press', server: fastcgiPass('127.0.0.1:9077', '/var/www/press'), log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, '/etc/nginx/sites-enabled/press.conf', 'fastcgi_pass 127.0.0.1:9077', 'proxy_pass http://127.0.0.1:9077');
      await reloadNginx(host);
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, notFindings: ['backend-crashing', 'backend-down'] },
    repair: async host => {
      await replaceIn(host, '/etc/nginx/sites-enabled/press.conf', 'proxy_pass http://127.0.0.1:9077', 'fastcgi_pass 127.0.0.1:9077');
      await reloadNginx(host);
    },
  }),
  defineScenario({
    name: 'protocol-mismatch-uwsgi',
    title: 'uWSGI speaks its own protocol where nginx expects HTTP',
    kind: 'fault',
    fault: 'protocol-mismatch',
    setUp: async host => {
      await uwsgi(host, { name: 'atlas', code: wsgiApp('atlas'), bind: '127.0.0.1:3131', protocol: 'http-socket' });
      await nginxSite(host, { name: 'atlas', server: 'location / { proxy_pass http://127.0.0.1:3131; }' });
      await startNginx(host);
    },
    breakIt: host => uwsgi(host, { name: 'atlas', code: wsgiApp('atlas'), bind: '127.0.0.1:3131', protocol: 'socket' }),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
    repair: host => uwsgi(host, { name: 'atlas', code: wsgiApp('atlas'), bind: '127.0.0.1:3131', protocol: 'http-socket' }),
  }),
  defineScenario({
    name: 'protocol-mismatch-twin-crash',
    title: 'The protocol is right; the worker dies before it has answered',
    kind: 'twin',
    fault: 'backend-crashing',
    twinOf: 'protocol-mismatch',
    url: 'http://127.0.0.1/die',
    setUp: async host => {
      await uwsgi(host, { name: 'atlas', code: wsgiApp('atlas'), bind: '127.0.0.1:3131', protocol: 'http-socket', workers: 3 });
      await nginxSite(host, { name: 'atlas', server: 'location / { proxy_pass http://127.0.0.1:3131; }' });
      await startNginx(host);
    },
    healthy: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
      if (!counts['200']) throw new Error(`no 200 but ${JSON.stringify(counts)}`);
    },
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/die'], rps: 4 },
    trafficMs: 3000,
    expect: { verdict: 'failing', status: 'active' },
  }),
];
