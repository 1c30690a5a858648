import { defineScenario } from '../scenario.ts';
import { fastcgiPass, nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, uwsgi, wsgiApp } from '../servers/python.ts';

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
    fix: 'first-plan',
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
    fix: 'first-plan',
    repair: host => uwsgi(host, { name: 'atlas', code: wsgiApp('atlas'), bind: '127.0.0.1:3131', protocol: 'http-socket' }),
  }),
  defineScenario({
    name: 'protocol-mismatch-silent',
    title: 'fastcgi_pass to gunicorn, whose two sync workers wait for the end of a line; another pool of FastCGI is fine',
    kind: 'fault',
    fault: 'protocol-mismatch',
    url: 'http://127.0.0.1:8088/',
    fails: 504,
    setUp: async host => {
      await phpFpm(host, { pool: 'press', listen: '/run/php/press.sock', root: '/var/www/press', files: { 'index.php': '<?php echo "press\\n";' } });
      await gunicorn(host, { name: 'quotes', code: wsgiApp('quotes'), bind: 'unix:/run/quotes/web.sock', workers: 2 });
      await nginxSite(host, { name: 'press', listen: '8081', server: fastcgiPass('unix:/run/php/press.sock', '/var/www/press') });
      await nginxSite(host, {
        name: 'quotes',
        listen: '8088',
        http: 'upstream quotes { server unix:/run/quotes/web.sock; }',
        server: 'location / {\n    fastcgi_read_timeout 1s;\n    proxy_pass http://quotes;\n}',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, '/etc/nginx/sites-enabled/quotes.conf', 'proxy_pass http://quotes;', 'include fastcgi_params;\n        fastcgi_pass quotes;');
      await reloadNginx(host);
    },
    traffic: { rps: 1 },
    trafficMs: 2000,
    expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', notFindings: ['backend-down'] },
    repair: async host => {
      await replaceIn(host, '/etc/nginx/sites-enabled/quotes.conf', 'fastcgi_pass quotes;', 'proxy_pass http://quotes;');
      await reloadNginx(host);
    },
  }),
  defineScenario({
    name: 'protocol-mismatch-ssh',
    title: 'A wrong port in proxy_pass: the secure shell answers there',
    kind: 'fault',
    fault: 'protocol-mismatch',
    fails: 9,
    setUp: async host => {
      await gunicorn(host, { name: 'quotes', code: wsgiApp('quotes'), bind: '127.0.0.1:2202', workers: 2 });
      await host.run(['mkdir', '-p', '/run/sshd']);
      await host.runService('shell.service', ['/usr/sbin/sshd', '-D', '-p', '2022', '-o', 'ListenAddress=127.0.0.1']);
      await nginxSite(host, { name: 'quotes', server: 'location / { proxy_pass http://127.0.0.1:2202; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, '/etc/nginx/sites-enabled/quotes.conf', ':2202', ':2022');
      await reloadNginx(host);
    },
    symptom: async host => {
      const log = await host.read('/var/log/nginx/error.log');
      if (!log.includes('no valid HTTP/1.0 header')) throw new Error('nginx did not complain of the answer');
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', evidence: ['SSH-2.0'] },
    repair: async host => {
      await replaceIn(host, '/etc/nginx/sites-enabled/quotes.conf', ':2022', ':2202');
      await reloadNginx(host);
    },
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
    trafficMs: 2000,
    expect: { verdict: 'failing', status: 'active' },
  }),
];
