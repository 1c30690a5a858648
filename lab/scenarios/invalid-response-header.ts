import { defineScenario } from '../scenario.ts';
import { nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';
import { rawTcp } from '../servers/raw-tcp.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n';

export default [
  defineScenario({
    name: 'invalid-response-header',
    title: 'A deploy of the backend sends a field with a blank in its name, and Content-Length twice',
    kind: 'fault',
    fault: 'invalid-response-header',
    setUp: async host => {
      await rawTcp(host, { name: 'legacy', listen: '127.0.0.1:7070', behaviour: 'answer', text: `${ok}\r\nok\n` });
      await nginxSite(host, { name: 'legacy', server: 'location / { proxy_pass http://127.0.0.1:7070; proxy_http_version 1.1; }' });
      await startNginx(host);
    },
    breakIt: host => rawTcp(host, { name: 'legacy', listen: '127.0.0.1:7070', behaviour: 'answer', text: `${ok}Bad Name: x\r\nContent-Length: 3\r\n\r\nok\n` }),
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.9,
      notFindings: ['backend-crashing', 'protocol-mismatch'],
    },
    repair: host => rawTcp(host, { name: 'legacy', listen: '127.0.0.1:7070', behaviour: 'answer', text: `${ok}\r\nok\n` }),
  }),
  defineScenario({
    name: 'invalid-response-header-twin-protocol',
    title: 'What nginx cannot read is FastCGI',
    kind: 'twin',
    fault: 'protocol-mismatch',
    twinOf: 'invalid-response-header',
    setUp: async host => {
      await phpFpm(host, { pool: 'forum', listen: '127.0.0.1:9191', root: '/var/www/forum', files: { 'index.php': '<?php echo "forum\\n";' } });
      await gunicorn(host, { name: 'forum', code: wsgiApp('forum'), bind: '127.0.0.1:9192' });
      await nginxSite(host, { name: 'forum', server: 'location / { proxy_pass http://127.0.0.1:9192; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, '/etc/nginx/sites-enabled/forum.conf', ':9192', ':9191');
      await reloadNginx(host);
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
  }),
];
