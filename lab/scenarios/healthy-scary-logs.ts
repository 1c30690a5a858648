import { defineScenario } from '../scenario.ts';
import { certificate } from '../servers/certificates.ts';
import { accessTime, errorTime } from '../servers/log-times.ts';
import { fastcgiPass, nginxSite, startNginx } from '../servers/nginx.ts';
import { phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, uwsgi, wsgiApp } from '../servers/python.ts';

const DAY_MS = 86_400_000;

/** The lines of an outage that ended a day ago: refused, no file, timed out. */
function yesterday(): { readonly errors: string; readonly accesses: string } {
  const at = (index: number): Date => new Date(Date.now() - DAY_MS + index * 1300);
  const messages = [
    'connect() failed (111: Connection refused) while connecting to upstream',
    'connect() to unix:/run/php/magazine.sock failed (2: No such file or directory) while connecting to upstream',
    'upstream timed out (110: Connection timed out) while reading response header from upstream',
  ];
  const indexes = Array.from({ length: 240 }, (_, index) => index);
  return {
    errors: indexes
      .map(
        index =>
          `${errorTime(at(index))} [error] 811#811: *${index + 7} ${messages[index % 3]}, client: 198.51.100.23, server: _, request: "GET /page/${index} HTTP/1.1", upstream: "fastcgi://unix:/run/php/magazine.sock:", host: "magazine.example"\n`,
      )
      .join(''),
    accesses: indexes
      .map(index => `198.51.100.23 - - [${accessTime(at(index))}] "GET /page/${index} HTTP/1.1" ${index % 3 === 2 ? 504 : 502} 157 "-" "Mozilla/5.0"\n`)
      .join(''),
  };
}

export default [
  defineScenario({
    name: 'healthy-scary-logs',
    title: 'Clients go away, scanners knock, limits bite and yesterday was bad; today nothing is broken',
    kind: 'healthy',
    setUp: async host => {
      const { errors, accesses } = yesterday();
      await host.write('/var/log/nginx/error.log', errors, { owner: 'www-data:adm', mode: '640' });
      await host.write('/var/log/nginx/access.log', accesses, { owner: 'www-data:adm', mode: '640' });
      await phpFpm(host, {
        pool: 'magazine',
        listen: '/run/php/magazine.sock',
        root: '/var/www/magazine',
        settings: { pm: 'static', 'pm.max_children': 8 },
        files: { 'index.php': '<?php if (isset($_GET["s"])) usleep((int) $_GET["s"] * 1000); echo "magazine\\n";' },
      });
      await certificate(host, { file: 'magazine', names: ['magazine.example'] });
      await nginxSite(host, {
        name: 'magazine',
        listen: ['80', '443 ssl'],
        http: 'limit_req_zone $binary_remote_addr zone=searches:1m rate=1r/s;',
        // nginx mentions handshakes that clients spoil at this level only.
        server: `error_log /var/log/nginx/error.log info;
ssl_certificate /etc/ssl/lab/magazine.crt;
ssl_certificate_key /etc/ssl/lab/magazine.key;
ssl_protocols TLSv1.2 TLSv1.3;
location = /search { limit_req zone=searches; try_files /nothing /index.php; }
location /static/ { root /var/www/magazine; }
${fastcgiPass('unix:/run/php/magazine.sock', '/var/www/magazine')}`,
      });
      await startNginx(host);
      const base = 'http://127.0.0.1';
      // 404: a scanner; 499: readers who went on; 503: limit_req; the rest: the TLS port spoken to in other ways.
      await host.request({ urls: ['/static/wp-login.php', '/static/.env', '/static/phpmyadmin/', '/static/old.css'].map(path => base + path), count: 60 });
      await host.request({ urls: [`${base}/?s=800`], count: 12, timeoutMs: 150, concurrency: 4 });
      await host.request({ urls: [`${base}/search`], count: 15 });
      await host.request({ urls: ['http://127.0.0.1:443/'], count: 3 });
      for (const option of ['-tls1', '-tls1_1'])
        await host.exec(['openssl', 's_client', '-connect', '127.0.0.1:443', option, '-cipher', 'DEFAULT@SECLEVEL=0'], { timeoutMs: 5000 });
    },
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/news', 'http://127.0.0.1/static/gone.png'], rps: 8 },
    symptom: async host => {
      const access = await host.read('/var/log/nginx/access.log');
      const error = await host.read('/var/log/nginx/error.log');
      for (const status of [' 499 ', ' 404 ', ' 503 ', ' 400 ']) if (!access.includes(status)) throw new Error(`the access log has no ${status}`);
      for (const text of ['limiting requests', 'SSL_do_handshake() failed', 'No such file or directory']) {
        if (!error.includes(text)) throw new Error(`the error log has no "${text}"`);
      }
    },
    expect: { verdict: ['healthy', 'at-risk'], noneActive: true },
  }),
  defineScenario({
    name: 'healthy-several-backends',
    title: 'php-fpm, gunicorn and uWSGI behind one nginx, all well',
    kind: 'healthy',
    setUp: async host => {
      await phpFpm(host, { files: { 'index.php': '<?php echo "page\\n";' } });
      await gunicorn(host, { name: 'api', code: wsgiApp('api'), bind: '127.0.0.1:8700' });
      await uwsgi(host, { name: 'legacy', code: wsgiApp('legacy'), bind: 'unix:/run/legacy/legacy.sock' });
      await nginxSite(host, {
        name: 'site',
        http: 'upstream api { server 127.0.0.1:8700; keepalive 8; }',
        server: `location /api/ { proxy_pass http://api/; proxy_http_version 1.1; proxy_set_header Connection ""; }
location /legacy/ { include uwsgi_params; uwsgi_pass unix:/run/legacy/legacy.sock; }
${fastcgiPass('unix:/run/php/php-fpm.sock')}`,
        log: 'timed',
      });
      await startNginx(host);
    },
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/api/', 'http://127.0.0.1/legacy/'], rps: 9 },
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/', 'http://127.0.0.1/api/', 'http://127.0.0.1/legacy/'], count: 3 });
      if (counts['200'] !== 3) throw new Error(`not all well: ${JSON.stringify(counts)}`);
    },
    expect: { verdict: 'healthy', exitCode: 0 },
  }),
];
