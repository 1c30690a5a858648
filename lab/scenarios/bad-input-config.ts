import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import type { Scenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

/** Configurations as nobody should have them: each gets a report of what is really there. */
const setUp = async (host: LabHost): Promise<void> => {
  await gunicorn(host, { name: 'tickets', code: wsgiApp('tickets'), bind: '127.0.0.1:8642', workers: 2 });
  await nginxSite(host, { name: 'tickets', server: 'location / { proxy_pass http://127.0.0.1:8642; }' });
  await startNginx(host);
};

const bounds = { maxMs: 12_000, maxMiB: 150 } as const;
const healthy = { kind: 'healthy', setUp, traffic: false, trafficMs: 0 } as const satisfies Partial<Scenario>;
const down = { kind: 'fault', fault: 'backend-down', setUp, trafficMs: 700 } as const satisfies Partial<Scenario>;

/** What is seen in the terminal must not reach it as it was written. */
const expectNoEscapes = (text: string): void => {
  const bad = Array.from(text).find(
    char => char !== '\n' && (char < ' ' || (char >= '\u007f' && char < '\u00a0') || /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/.test(char)),
  );
  if (bad !== undefined) throw new Error(`the terminal report holds the character U+${bad.charCodeAt(0).toString(16)}`);
};

export default [
  defineScenario({
    name: 'bad-input-no-nginx',
    title: 'A host on which nginx was never installed',
    kind: 'healthy',
    host: { hide: ['/usr/sbin/nginx', '/lib/systemd/system/nginx.service', '/usr/lib/systemd/system/nginx.service'] },
    setUp: async host => host.shell('rm -rf /etc/nginx && systemctl daemon-reload').then(() => undefined),
    healthy: () => Promise.resolve(),
    traffic: false,
    trafficMs: 0,
    expect: {
      ...bounds,
      verdict: 'inconclusive',
      exitCode: 3,
      check: ({ summary, findings }) => [
        ...(/nginx/.test(summary) ? [] : [`the summary says ${summary}`]),
        ...(findings.length > 0 ? ['there are findings'] : []),
      ],
    },
    also: async (_, badhop) => {
      const run = await badhop(['diagnose']);
      if (run.exitCode !== 3 || !/no nginx/i.test(run.stdout)) throw new Error(`${run.exitCode}: ${run.stdout}${run.stderr}`);
    },
  }),
  defineScenario({
    ...down,
    name: 'bad-input-giant-config',
    title: 'The backend of one of 1,000 servers is down, in a configuration of 35,000 lines',
    url: 'http://127.0.0.1:8099/',
    setUp: async host => {
      await setUp(host);
      const block = (n: number): string =>
        `server {\n    listen 127.0.0.1:8099;\n    server_name s${n}.example;\n${Array.from({ length: 7 }, (_, i) => `    location /p${i}/ {\n        proxy_pass http://u${n % 50};\n        proxy_set_header X-N "${n}";\n    }\n`).join('')}    location / { proxy_pass http://127.0.0.1:8642; }\n}\n`;
      const upstreams = Array.from({ length: 50 }, (_, n) => `upstream u${n} { server 127.0.0.1:8642; server 127.0.0.1:8643 backup; }\n`).join('');
      await host.write('/etc/nginx/conf.d/many.conf', upstreams + Array.from({ length: 1000 }, (_, n) => block(n)).join(''));
      await host.shell('wc -l < /etc/nginx/conf.d/many.conf; systemctl restart nginx');
    },
    breakIt: host => host.systemctl('stop', 'tickets'),
    expect: { ...bounds, maxMiB: 340, verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
  }),
  defineScenario({
    ...down,
    name: 'bad-input-junk-include',
    title: 'The backend is down, and after the start somebody included a file of 200 MB of rubbish, a folder and a device',
    host: { diskBytes: 700 << 20 },
    breakIt: async host => {
      await host.systemctl('stop', 'tickets');
      await host.shell(
        'head -c 200000000 /dev/urandom > /etc/nginx/conf.d/junk.conf; mkdir /etc/nginx/conf.d/folder.conf; ln -s /dev/zero /etc/nginx/conf.d/zero.conf; mkfifo /etc/nginx/conf.d/pipe.conf',
      );
    },
    expect: { ...bounds, maxMiB: 400, verdict: 'failing', findings: [{ fault: 'backend-down', confidence: 'confirmed', status: 'active' }] },
  }),
  defineScenario({
    ...down,
    name: 'bad-input-include-loop',
    title: 'The backend is down; the files on disk include each other, and links in sites-enabled lead in a circle',
    breakIt: async host => {
      await host.systemctl('stop', 'tickets');
      await host.write('/etc/nginx/conf.d/a.conf', 'include /etc/nginx/conf.d/b.conf;\n');
      await host.write('/etc/nginx/conf.d/b.conf', 'include /etc/nginx/conf.d/*.conf;\ninclude /etc/nginx/nginx.conf;\n');
      await host.shell('cd /etc/nginx/sites-enabled; ln -s loop1 loop2; ln -s loop2 loop1; ln -s . self; ln -s /nowhere/at/all gone; ln -s /etc/nginx nested');
    },
    expect: { ...bounds, verdict: 'failing', findings: [{ fault: 'backend-down', confidence: 'confirmed', status: 'active' }] },
  }),
  defineScenario({
    ...healthy,
    name: 'bad-input-broken-config',
    title: 'nginx runs well, and what lies on disk would not start: an open brace, a lone quote, NUL bytes',
    breakIt: async host => {
      await host.write('/etc/nginx/sites-enabled/new.conf', 'server { listen 81; location / { proxy_pass "http://127.0.0.1:1;\n# \0\0\0 } } }\n\\');
    },
    expect: { ...bounds, verdict: ['at-risk', 'healthy'] },
  }),
  defineScenario({
    ...down,
    name: 'bad-input-odd-bytes-config',
    title: 'The backend is down; the site was saved on Windows with CRLF and BOM, and a colleague wrote Latin-1',
    setUp: async host => {
      await setUp(host);
      // nginx takes a BOM at the start of the main file alone for what it is; in an included file it must be in a comment.
      await host.shell(
        String.raw`printf '#\357\273\277 B\374ro\r\nupstream caf\351 {\r\n\tserver 127.0.0.1:8642;\r\n}\r\nserver {\r\n\tlisten 82;\r\n\tserver_name b\374ro.example;\r\n\tlocation / {\r\n\t\tproxy_pass http://caf\351;\r\n\t}\r\n}\r\n' > /etc/nginx/sites-enabled/odd.conf; nginx -t; systemctl restart nginx`,
      );
    },
    url: 'http://127.0.0.1:82/',
    breakIt: host => host.systemctl('stop', 'tickets'),
    expect: {
      ...bounds,
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      check: ({ topology }) => (topology.servers.length >= 2 ? [] : ['a server is missing']),
    },
  }),
  defineScenario({
    ...down,
    name: 'bad-input-two-masters',
    title: 'Two nginx masters run, one from a working folder that is gone; the backend of the second is down',
    url: 'http://127.0.0.1:8580/',
    setUp: async host => {
      await setUp(host);
      await gunicorn(host, { name: 'second', code: wsgiApp('second'), bind: '127.0.0.1:8710', workers: 1 });
      await host.write(
        '/srv/second-nginx/conf/nginx.conf',
        'worker_processes 1;\npid logs/nginx.pid;\nerror_log logs/error.log;\nevents {}\nhttp {\n access_log logs/access.log;\n server { listen 127.0.0.1:8580; location / { proxy_pass http://127.0.0.1:8710; } }\n}\n',
      );
      await host.shell(
        'mkdir -p /srv/second-nginx/logs /tmp/workplace; cd /tmp/workplace; nginx -p /srv/second-nginx -c conf/nginx.conf -e /srv/second-nginx/logs/error.log; rmdir /tmp/workplace',
      );
    },
    breakIt: host => host.systemctl('stop', 'second'),
    expect: {
      ...bounds,
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      check: ({ host, findings }) => [
        ...(host.nginx.length === 2 ? [] : [`it saw ${host.nginx.length} nginx`]),
        ...(JSON.stringify(findings[0]?.subject).includes('8710') ? [] : ['the first finding is not about the second backend']),
      ],
    },
  }),
  defineScenario({
    ...healthy,
    name: 'bad-input-impostors',
    title: 'Processes with the title of an nginx master, with escape codes and line ends in it, and units and files of odd names',
    setUp: async host => {
      await setUp(host);
      // What badhop would run as root if it believed the title of a process.
      await host.write(
        '/srv/evil/nginx',
        '#!/bin/sh\necho "$(id -u) $*" >> /tmp/was-run\necho "nginx version: nginx/1.22.1" >&2\nprintf \'\\033]0;owned\\007\'\n',
        { mode: '755' },
      );
      await host.shell(
        'chmod 777 /srv/evil; cp /bin/sleep /srv/evil/sleeper; cp /bin/sleep "/srv/evil/nginx: master process"; cp /bin/sleep /srv/evil2nginx; mkdir -p /srv/e2/sbin; cp /usr/bin/sleep /srv/e2/sbin/nginx; chown -R www-data /srv/evil /srv/e2',
      );
      const as = async (unit: string, title: string, program: string): Promise<void> =>
        host.runService(unit, ['/bin/bash', '-c', 'exec -a "$0" "$1" 3600', title, program], { user: 'www-data' });
      await as('imp1', 'nginx: master process /srv/evil/nginx -c /etc/shadow', '/srv/evil/sleeper');
      await as('imp2', 'nginx: master process \u001B[2J\u001B]0;owned\u0007 -g "load_module /tmp/x.so;"', '/srv/evil/nginx: master process');
      await as('imp3', 'nginx: master process\n$(touch /tmp/was-run)\n`touch /tmp/was-run`', '/srv/e2/sbin/nginx');
      await as('imp4', 'nginx: worker process', '/srv/evil/sleeper');
      await host.shell(
        String.raw`systemd-run -q --unit='odd\x2dname@\x20\x22x.service' /bin/sleep 3600; systemd-run -q --unit='a:b_c.\x5c$(x)@-.service' /bin/sleep 3600`.replaceAll(
          '$(x)',
          '\\x24',
        ),
      );
      await host.shell(
        'cd /etc/nginx/conf.d; printf "# nothing\\n" > "$(printf \'a\\nb \\033[31m $(reboot) ;\\047".conf\')"; printf "# nothing\\n" > "--help.conf"; systemctl reload nginx',
      );
    },
    expect: { ...bounds, verdict: ['healthy', 'at-risk', 'inconclusive'] },
    also: async (host, badhop) => {
      const ran = await host.exec(['cat', '/tmp/was-run']);
      if (/^0 /m.test(ran.stdout) || (ran.code === 0 && !/^\d/.test(ran.stdout))) throw new Error(`a stranger's program was run as root: ${ran.stdout}`);
      for (const args of [
        ['diagnose', '--verbose'],
        ['diagnose', '--verbose', '--width', '40'],
      ])
        expectNoEscapes((await badhop(args)).stdout);
    },
  }),
];
