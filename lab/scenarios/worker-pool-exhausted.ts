import { defineScenario } from '../scenario.ts';
import { fastcgiPass, nginxSite, startNginx } from '../servers/nginx.ts';
import { phpFpm } from '../servers/php-fpm.ts';
import type { FpmOptions } from '../servers/php-fpm.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

const slowPage: FpmOptions = {
  pool: 'catalogue',
  listen: '/run/php/catalogue.sock',
  root: '/var/www/catalogue',
  files: { 'index.php': '<?php usleep(500000); echo "catalogue\\n";' },
};

/** A shop page waits for its database; a page without prices does not. */
const shop = (title: string, fromMs: number, toMs: number): string => `<?php
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
// The price query.
if ($path !== '/imprint') usleep(random_int(${fromMs * 1000}, ${toMs * 1000}));
header('Cache-Control: no-store');
echo "<h1>${title}</h1><p>$path</p>\\n";
`;

const shopPool: FpmOptions = {
  pool: 'shop',
  listen: '/run/php/shop.sock',
  root: '/var/www/shop/public',
  settings: {
    pm: 'dynamic',
    'pm.max_children': 5,
    // php-fpm adds one child in the first second, two in the next, and never more than are to be spare: so soon shows the repair.
    'pm.start_servers': 5,
    'pm.min_spare_servers': 5,
    'pm.max_spare_servers': 5,
    'listen.backlog': 6,
    // The new page is served from its first second on.
    'php_admin_value[opcache.revalidate_freq]': 0,
    'pm.status_path': '/fpm-status',
  },
  files: { 'index.php': shop('The shop', 100, 200) },
};

export default [
  defineScenario({
    name: 'worker-pool-exhausted',
    title: 'All children of a static php-fpm pool are busy and requests wait longer than nginx does',
    kind: 'fault',
    fault: 'worker-pool-exhausted',
    fails: 504,
    setUp: async host => {
      await phpFpm(host, {
        ...slowPage,
        files: { 'index.php': '<?php usleep(300000); echo "catalogue\\n";' },
        settings: { pm: 'static', 'pm.max_children': 2 },
      });
      await nginxSite(host, {
        name: 'catalogue',
        server: `fastcgi_read_timeout 600ms;\n${fastcgiPass('unix:/run/php/catalogue.sock', '/var/www/catalogue')}`,
        log: 'timed',
      });
      await startNginx(host);
    },
    // Little more than the pool can do: what nginx has given up is worked off after the repair.
    traffic: { rps: 9, concurrency: 60 },
    trafficMs: 2000,
    expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', notFindings: ['backend-hung', 'backend-slower-than-timeout'] },
    fix: 'first-plan',
    repair: host => phpFpm(host, { ...slowPage, settings: { pm: 'static', 'pm.max_children': 20 } }),
  }),
  defineScenario({
    name: 'worker-pool-exhausted-queue-full',
    title: 'The pool is busy and its short queue is full: errno 11 at once',
    kind: 'fault',
    fault: 'worker-pool-exhausted',
    setUp: async host => {
      await phpFpm(host, { ...slowPage, settings: { pm: 'ondemand', 'pm.max_children': 3, 'listen.backlog': 4 } });
      await nginxSite(host, { name: 'catalogue', server: fastcgiPass('unix:/run/php/catalogue.sock', '/var/www/catalogue') });
      await startNginx(host);
    },
    traffic: { rps: 20, concurrency: 40 },
    trafficMs: 1500,
    expect: { verdict: 'failing', status: 'active', notFindings: ['backend-down'] },
    repair: host => phpFpm(host, { ...slowPage, settings: { pm: 'static', 'pm.max_children': 25, 'listen.backlog': 511 } }),
  }),
  defineScenario({
    name: 'worker-pool-exhausted-gunicorn',
    title: 'Two synchronous gunicorn workers have more to do than they can',
    kind: 'fault',
    fault: 'worker-pool-exhausted',
    url: 'http://127.0.0.1/slow?s=0.4',
    fails: 504,
    setUp: async host => {
      await gunicorn(host, { name: 'quotes', code: wsgiApp('quotes'), bind: '127.0.0.1:8311', workers: 2 });
      await nginxSite(host, { name: 'quotes', server: 'location / { proxy_pass http://127.0.0.1:8311; proxy_read_timeout 800ms; }', log: 'timed' });
      await startNginx(host);
    },
    traffic: { rps: 6, concurrency: 60 },
    trafficMs: 1300,
    expect: { verdict: 'failing', status: 'active', notFindings: ['backend-hung'] },
    fix: 'first-plan',
    repair: host =>
      gunicorn(host, { name: 'quotes', code: wsgiApp('quotes'), bind: '127.0.0.1:8311', workers: 2, threads: 16 }).then(() => host.restart('quotes')),
  }),
  defineScenario({
    name: 'promotion-day',
    title: 'The promotion is put in place and its mail sent: customers find the shop behind its php-fpm pool of five',
    kind: 'fault',
    fault: 'worker-pool-exhausted',
    host: { hostname: 'shop1' },
    setUp: async host => {
      await phpFpm(host, shopPool);
      await nginxSite(host, {
        name: 'shop',
        serverName: 'shop.example www.shop.example',
        listen: ['80 default_server', '[::]:80 default_server'],
        server: `fastcgi_read_timeout 5s;\n${fastcgiPass('unix:/run/php/shop.sock', '/var/www/shop/public')}`,
        log: 'timed',
        logs: 'own',
      });
      await startNginx(host);
      // An ordinary morning, before the mail.
      await host.request({ urls: ['/', '/product/1042', '/imprint'].map(path => `http://127.0.0.1${path}`), count: 6, rps: 12 });
    },
    breakIt: async host => {
      // Prices are worked out for each customer.
      await host.write('/var/www/shop/public/index.php', shop('Spring sale', 400, 600));
      // The log has whole seconds, and the first customer is turned away in the second one.
      await host.shell('sleep 0.6');
    },
    traffic: {
      urls: ['/', '/sale', '/product/1042', '/product/77', '/cart', '/sale?page=2', '/product/3180', '/checkout', '/imprint'].map(
        path => `http://127.0.0.1${path}`,
      ),
      rps: 18,
      concurrency: 60,
      headers: { host: 'shop.example', 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' },
    },
    trafficMs: 2200,
    expect: {
      verdict: 'failing',
      first: 'worker-pool-exhausted',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      since: [/ after \/var\/www\/shop\/public\/index\.php changed/],
    },
    fix: 'first-plan',
    repair: host =>
      phpFpm(host, {
        ...shopPool,
        settings: {
          ...shopPool.settings,
          'pm.max_children': 40,
          'pm.start_servers': 20,
          'pm.min_spare_servers': 10,
          'pm.max_spare_servers': 30,
          'listen.backlog': 511,
        },
      }),
  }),
  defineScenario({
    name: 'worker-pool-exhausted-twin-slow-url',
    title: 'One report takes longer than nginx waits; most workers are idle',
    kind: 'twin',
    fault: 'backend-slower-than-timeout',
    twinOf: 'worker-pool-exhausted',
    url: 'http://127.0.0.1/report.php?year=2026',
    fails: 504,
    setUp: async host => {
      await phpFpm(host, {
        pool: 'office',
        listen: '127.0.0.1:9105',
        settings: { pm: 'static', 'pm.max_children': 16 },
        root: '/var/www/office',
        files: { 'index.php': '<?php echo "office\\n";', 'report.php': '<?php if (is_file("/var/www/office/large")) sleep(2); echo "report\\n";' },
      });
      await nginxSite(host, { name: 'office', server: `fastcgi_read_timeout 1s;\n${fastcgiPass('127.0.0.1:9105', '/var/www/office')}`, log: 'timed' });
      await startNginx(host);
    },
    // The year's data has grown.
    breakIt: host => host.write('/var/www/office/large', ''),
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/index.php', 'http://127.0.0.1/', 'http://127.0.0.1/report.php?year=2026'], rps: 8 },
    trafficMs: 3000,
    expect: { verdict: 'failing', status: 'active' },
    repair: async host => {
      await host.run(['rm', '/var/www/office/large']);
    },
  }),
];
