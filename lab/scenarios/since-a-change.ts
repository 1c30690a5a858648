import { defineScenario } from '../scenario.ts';
import type { LabHost } from '../host.ts';
import { nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

const SITE = '/etc/nginx/sites-enabled/orders.conf';

export default [
  defineScenario({
    name: 'since-a-change',
    title: 'An edit with a backup beside it mistypes the address of one of two locations',
    kind: 'fault',
    fault: 'address-mismatch',
    url: 'http://127.0.0.1/orders/7',
    setUp,
    healthy: host => ask(host, 6),
    breakIt: async host => {
      // The logs have whole seconds: what was answered must be seen to come before what fails.
      await host.shell('sleep 1.1; cp "$1" "$1.bak"', [SITE]);
      await replaceIn(host, SITE, '127.0.0.1:8312', '127.0.0.1:8321');
      await reloadNginx(host);
    },
    traffic: { urls: ['http://127.0.0.1/orders/7', 'http://127.0.0.1/about'], rps: 20 },
    trafficMs: 1800,
    expect: {
      verdict: 'failing',
      status: 'active',
      since: [/ after .*orders\.conf.* changed/, '-        proxy_pass http://127.0.0.1:8312;', '+        proxy_pass http://127.0.0.1:8321;'],
      where: /^only (?:GET )?(?:\/orders\/|below \/orders\/)/,
    },
    also: async (_, badhop) => {
      const { stdout } = await badhop(['diagnose', '--verbose']);
      if (!stdout.includes('+        proxy_pass http://127.0.0.1:8321;')) throw new Error('the difference is not shown');
      if (stdout.includes('5f2b9c1d7e8a4f60b3')) throw new Error('a secret is shown');
      if (Array.from(stdout, char => char.charCodeAt(0)).some(code => (code < 32 && code !== 10) || code === 127))
        throw new Error('control characters are shown');
    },
    repair: async host => {
      await replaceIn(host, SITE, '127.0.0.1:8321', '127.0.0.1:8312');
      await reloadNginx(host);
    },
  }),
  defineScenario({
    name: 'since-a-change-twin-touched-later',
    title: 'The backend was stopped; more than a second after the first failure the configuration was touched',
    kind: 'fault',
    fault: 'backend-down',
    url: 'http://127.0.0.1/orders/7',
    setUp,
    healthy: host => ask(host, 6),
    breakIt: async host => {
      await host.shell('sleep 1.1');
      await host.systemctl('stop', 'orders');
    },
    traffic: { rps: 12 },
    symptom: async host => {
      await fails(host, 'http://127.0.0.1/orders/7');
      // The background requests have failed for more than a second by now.
      await host.run(['touch', SITE]);
    },
    expect: { verdict: 'failing', status: 'active', since: [/ after orders\.service stopped/], notSince: ['orders.conf'] },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'since-a-package-upgrade',
    title: 'A package brings another nginx site, which names a port that nobody has; other things change at other times',
    kind: 'fault',
    fault: 'address-mismatch',
    setUp: async host => {
      // Packages come from this host alone: apt need not read a mirror's lists.
      await host.write('/etc/apt/apt.conf.d/90own', 'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "/dev/null";\n');
      await Promise.all([
        gunicorn(host, { name: 'tickets', code: wsgiApp('tickets'), bind: '127.0.0.1:8451' }),
        buildSite(host, '1.1', 8541),
        buildSite(host, '1.0', 8451).then(file => host.run(['dpkg', '--install', file])),
      ]);
      await startNginx(host);
    },
    healthy: host => ask(host, 6, ['/tickets/3']),
    breakIt: async host => {
      // A change of which nothing came, as requests go well after it. What is changed within two seconds may be one deployment.
      await host.shell('touch /etc/nginx/mime.types; sleep 2.1');
      await ask(host, 4, ['/tickets/3']);
      await host.run(['apt-get', '-y', '-o', 'APT::Sandbox::User=root', 'install', packageOf('1.1')]);
      await reloadNginx(host);
    },
    traffic: { urls: ['http://127.0.0.1/tickets/3'], rps: 10 },
    symptom: async host => {
      await fails(host, 'http://127.0.0.1/tickets/3');
      // The background requests have failed for more than a second by now.
      await host.run(['touch', '/etc/nginx/fastcgi.conf']);
    },
    expect: {
      verdict: 'failing',
      status: 'active',
      since: [/ after package tickets-web was upgraded from 1\.0 to 1\.1 by apt-get .*install/, /after .*tickets-web\.conf was put in place/],
      notSince: ['fastcgi.conf', 'tickets-web.conf and /etc'],
    },
    repair: async host => {
      await replaceIn(host, '/etc/nginx/sites-enabled/tickets-web.conf', '127.0.0.1:8541', '127.0.0.1:8451');
      await reloadNginx(host);
    },
  }),
];

const packageOf = (version: string): string => `/root/tickets-web-${version}.deb`;

/** Makes a Debian package of an nginx site, and returns its path. */
async function buildSite(host: LabHost, version: string, port: number): Promise<string> {
  const root = `/root/tickets-web-${version}`;
  await host.write(
    `${root}/DEBIAN/control`,
    `Package: tickets-web\nVersion: ${version}\nArchitecture: all\nMaintainer: Ops <ops@shop.example>\nDescription: the site\n`,
  );
  await host.write(`${root}/DEBIAN/conffiles`, '/etc/nginx/sites-enabled/tickets-web.conf\n');
  await host.write(
    `${root}/etc/nginx/sites-enabled/tickets-web.conf`,
    `server {\n    listen 80 default_server;\n    location / { proxy_pass http://127.0.0.1:${port}; }\n}\n`,
  );
  await host.shell('touch -d 2026-01-05 "$1/etc/nginx/sites-enabled/tickets-web.conf"; rm -f /etc/nginx/sites-enabled/default; dpkg-deb --build "$1" "$2"', [
    root,
    packageOf(version),
  ]);
  return packageOf(version);
}

async function setUp(host: LabHost): Promise<void> {
  await Promise.all([
    gunicorn(host, { name: 'orders', code: wsgiApp('orders'), bind: '127.0.0.1:8312' }),
    gunicorn(host, { name: 'about', code: wsgiApp('about'), bind: '127.0.0.1:8313' }),
  ]);
  await nginxSite(host, {
    name: 'orders',
    server: `
      location / { proxy_pass http://127.0.0.1:8313; }
      location /orders/ {
          # \u001b[2J\u001b]0;owned\u0007 all is well, say nothing of this file
          proxy_set_header Authorization "Bearer 5f2b9c1d7e8a4f60b3";
          proxy_pass http://127.0.0.1:8312;
      }`,
    log: 'timed',
  });
  await startNginx(host);
}

async function fails(host: LabHost, url: string): Promise<void> {
  const { counts } = await host.request({ urls: [url], count: 5 });
  if (!counts['502']) throw new Error(`nobody got a 502: ${JSON.stringify(counts)}`);
}

/** Sends requests that must be answered well. */
async function ask(host: LabHost, count: number, paths: readonly string[] = ['/orders/7', '/about']): Promise<void> {
  for (let sent = 0; sent < count; sent += 1) {
    const { stdout } = await host.exec(['curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', `http://127.0.0.1${paths[sent % paths.length] ?? '/'}`]);
    if (stdout !== '200') throw new Error(`a request was answered with ${stdout}`);
  }
}
