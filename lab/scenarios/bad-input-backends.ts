import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { apacheBackend } from '../servers/apache.ts';
import { waitForListener } from '../servers/listening.ts';
import { fastcgiPass, nginxSite, replaceIn, startNginx } from '../servers/nginx.ts';
import { FPM_POOLS, FPM_UNIT, phpFpm } from '../servers/php-fpm.ts';
import { wsgiApp } from '../servers/python.ts';
import { puma } from '../servers/ruby.ts';
import { startUnit } from '../servers/unit.ts';

const bounds = { maxMs: 12_000, maxMiB: 170 } as const;

/** gunicorn whose file computes nearly everything, as many do. */
const GUNICORN = `import multiprocessing, os
from urllib.parse import *

port = int(os.environ.get("PORT", "8651"))
bind = "127.0.0.1:%d" % port
workers = min(2, multiprocessing.cpu_count() * 2 + 1)
threads = max(1, int(os.environ.get("THREADS", "1")))
if "SLOW" in os.environ:
    timeout = 600
loglevel = ("info"
            if True else "debug")
`;

async function computedGunicorn(host: LabHost): Promise<void> {
  await host.write('/srv/forum/app.py', wsgiApp('forum'));
  await host.write('/srv/forum/gunicorn.conf.py', GUNICORN);
  await startUnit(host, { unit: 'forum.service', exec: '/usr/bin/gunicorn app:app', workdir: '/srv/forum' });
  await waitForListener(host, '127.0.0.1:8651');
}

/** uWSGI by a file that includes others, fills in and computes. */
async function includedUwsgi(host: LabHost): Promise<void> {
  await host.write('/srv/wiki/app.py', wsgiApp('wiki'));
  await host.write('/etc/uwsgi/base.ini', '[uwsgi]\nplugins = python3\nmaster = true\ndie-on-term = true\nchmod-socket = 666\n');
  await host.write(
    '/etc/uwsgi/wiki.ini',
    '[uwsgi]\nini = %dbase.ini\nname = wiki\nhome-of = /srv/%(name)\nchdir = %(home-of)\nmodule = app:app\nsocket = /run/%(name)/%n.sock\nprocesses = $(UWSGI_PROCESSES)\nharakiri = @(/etc/uwsgi/harakiri)\n',
  );
  await host.write('/etc/uwsgi/harakiri', '40');
  await startUnit(host, {
    unit: 'wiki.service',
    exec: '/usr/bin/uwsgi --ini /etc/uwsgi/wiki.ini',
    service: { RuntimeDirectory: 'wiki', Environment: 'UWSGI_PROCESSES=2' },
  });
  await waitForListener(host, 'unix:/run/wiki/wiki.sock');
}

/** A billion laughs, in a file that a parser of XML would choke on. */
const LAUGHS = `<?xml version="1.0"?>
<!DOCTYPE Server [
  <!ENTITY a "ha">
${Array.from({ length: 12 }, (_, n) => `  <!ENTITY ${String.fromCharCode(98 + n)} "${`&${String.fromCharCode(97 + n)};`.repeat(10)}">`).join('\n')}
  <!ENTITY connectors SYSTEM "file:///etc/passwd">
]>
<Server port="-1"><Service name="&m;">&connectors;
  <!-- <Connector port="9999"/> -->
  <Connector port="\${http.port}" maxThreads="&m;" acceptCount='
  <Connector port="8653" protocol=HTTP/1.1 <<< maxThreads="3"
`;

/** What calls itself Tomcat and has such a file. */
async function laughingTomcat(host: LabHost): Promise<void> {
  await host.write(
    '/srv/cms/java',
    'import http.server\n\n\nclass H(http.server.BaseHTTPRequestHandler):\n    def do_GET(self):\n        self.send_response(200)\n        self.send_header("Content-Length", "3")\n        self.end_headers()\n        self.wfile.write(b"ok\\n")\n\n\nhttp.server.ThreadingHTTPServer(("127.0.0.1", 8653), H).serve_forever()\n',
  );
  await host.write('/srv/cms/conf/server.xml', LAUGHS);
  await startUnit(host, { unit: 'cms.service', exec: '/usr/bin/python3 /srv/cms/java -Dcatalina.base=/srv/cms org.apache.catalina.startup.Bootstrap start' });
  await waitForListener(host, '127.0.0.1:8653');
}

const NOISE = 'head -c 300000 /dev/urandom';

async function setUp(host: LabHost): Promise<void> {
  await Promise.all([computedGunicorn(host), includedUwsgi(host), laughingTomcat(host), otherServers(host)]);
  const passes = [
    'proxy_pass http://127.0.0.1:8651;',
    'include uwsgi_params; uwsgi_pass unix:/run/wiki/wiki.sock;',
    'proxy_pass http://127.0.0.1:8653;',
    'proxy_pass http://127.0.0.1:8654;',
    'proxy_pass http://127.0.0.1:8655;',
  ];
  for (const [index, pass] of passes.entries())
    await nginxSite(host, { name: `site${index}`, listen: `127.0.0.1:${8081 + index}`, server: `location / { ${pass} }`, log: 'timed' });
  await nginxSite(host, { name: 'press', server: fastcgiPass('unix:/run/php/press.sock', '/var/www/press'), log: 'timed' });
  await startNginx(host);
}

async function otherServers(host: LabHost): Promise<void> {
  await puma(host, {
    name: 'tracker',
    bind: 'tcp://127.0.0.1:8654',
    config: ['most = Integer(ENV.fetch("RAILS_MAX_THREADS", 3))', 'threads most, most', 'before_fork do', '  workers = nil', 'end if ENV["NEVER"]'],
  });
  await apacheBackend(host, { listen: '127.0.0.1:8655', config: '  Define deep ${nobody}\n  IncludeOptional /etc/apache2/none/*.conf\n' });
  await phpFpm(host, {
    pool: 'press',
    listen: '/run/php/press.sock',
    settings: { pm: 'static', 'pm.max_children': 2, 'env[HOME]': '/srv/$pool', 'pm.status_path': '/index.php', 'ping.path': '/ping' },
    root: '/var/www/press',
    files: { 'index.php': '<?php echo "<html><body><h1>pool: none</h1>active processes: 99</body></html>\\n";' },
  });
  await replaceIn(host, `${FPM_POOLS}/press.conf`, 'listen = /run/php/press.sock', 'listen = /run/php/$pool.sock');
  await host.restart(FPM_UNIT);
  await waitForListener(host, 'unix:/run/php/press.sock');
}

const urls = ['http://127.0.0.1/', ...Array.from({ length: 5 }, (_, n) => `http://127.0.0.1:${8081 + n}/`)];

async function answers(host: LabHost): Promise<void> {
  const { counts } = await host.request({ urls, count: urls.length });
  if (counts['200'] !== urls.length) throw new Error(JSON.stringify(counts));
}

/** After the start somebody spoils every file: what runs does not mind. */
async function spoil(host: LabHost): Promise<void> {
  await host.shell(
    `${NOISE} > /etc/uwsgi/wiki.ini; printf 'ini = /etc/uwsgi/wiki.ini\\ninclude = /etc/uwsgi/base.ini\\n[uwsgi' > /etc/uwsgi/base.ini
${NOISE} > /srv/forum/gunicorn.conf.py; rm /srv/tracker/config/puma.rb; mkdir /srv/tracker/config/puma.rb
printf '[press\\nlisten = \${NOWHERE}\\npm.max_children = \${MANY}\\ninclude = %s/*.conf\\n[press]\\npm = $pool\\nlisten.backlog = -1e9\\n=\\n' "$1" > "$1/press.conf"
printf 'Include /etc/apache2/*.conf\\nListen \${x}\\n<IfModule' >> /etc/apache2/ports.conf; ${NOISE} | tr -d '\\n' >> /etc/apache2/ports.conf`,
    [FPM_POOLS],
  );
}

export default [
  defineScenario({
    name: 'bad-input-backend-files',
    title: "Backends whose files compute, include, hold variables and a billion laughs, and a status page that is the site's own",
    kind: 'healthy',
    setUp,
    healthy: answers,
    traffic: { urls, rps: 12 },
    trafficMs: 1000,
    symptom: () => Promise.resolve(),
    expect: { ...bounds, verdict: ['healthy', 'at-risk'], noneActive: true },
  }),
  defineScenario({
    name: 'bad-input-backend-files-spoilt',
    title: 'The same, and every file was overwritten with rubbish after the start',
    kind: 'healthy',
    setUp,
    healthy: answers,
    breakIt: spoil,
    traffic: { urls, rps: 12 },
    trafficMs: 1000,
    symptom: () => Promise.resolve(),
    expect: { ...bounds, verdict: ['healthy', 'at-risk'], noneActive: true },
  }),
  defineScenario({
    name: 'bad-input-backend-files-down',
    title: 'The gunicorn whose file computes its address was stopped; all files of its neighbours are rubbish',
    kind: 'fault',
    fault: 'backend-down',
    url: 'http://127.0.0.1:8081/',
    setUp,
    healthy: answers,
    breakIt: async host => {
      await spoil(host);
      await host.write('/srv/forum/gunicorn.conf.py', GUNICORN);
      await host.systemctl('stop', 'forum');
    },
    traffic: { urls, rps: 12 },
    trafficMs: 1500,
    expect: { ...bounds, verdict: 'failing', firstConfidence: 'confirmed', status: 'active', subject: { id: 'unit:forum.service' } },
    repair: host => host.start('forum'),
  }),
];
