import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import type { Scenario } from '../scenario.ts';
import { apacheBackend } from '../servers/apache.ts';
import { waitForListener } from '../servers/listening.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { gunicorn, uwsgi, wsgiApp } from '../servers/python.ts';
import { puma } from '../servers/ruby.ts';
import { tomcat } from '../servers/tomcat.ts';
import { startUnit } from '../servers/unit.ts';

/**
 * Each server's own kind of pool, really full: more comes in than its workers can do, and nginx gives up on what waits. Not several times
 * as much: what nginx has given up waits on, and whatever badhop asks waits behind it.
 */
const full = {
  kind: 'fault',
  fault: 'worker-pool-exhausted',
  fails: 504,
  traffic: { rps: 7, concurrency: 100 },
  trafficMs: 1300,
} as const satisfies Partial<Scenario>;

const expected = { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, notFindings: ['backend-hung', 'backend-down'] } as const;

async function site(host: LabHost, name: string, pass: string): Promise<void> {
  await nginxSite(host, { name, server: `location / {\n    ${pass}\n}`, log: 'timed' });
  await startNginx(host);
}

/** The first request of a page takes Tomcat seconds. */
async function compiled(host: LabHost, url: string): Promise<void> {
  await host.until('the page to be compiled', async () => (await host.request({ urls: [url], timeoutMs: 20_000 })).counts['200'] !== undefined, 40_000);
}

const CGI = '#!/bin/sh\nsleep 0.5\nprintf "Content-Type: text/plain\\r\\n\\r\\nok\\n"\n';

/** Apache with a slow CGI program and a processing module of one's choice. */
async function apacheWithCgi(host: LabHost, options: { listen: string; mpm: 'event' | 'prefork'; settings: string }): Promise<void> {
  const { listen, mpm, settings } = options;
  await host.shell('cd /etc/apache2/mods-enabled && rm -f mpm_*.load mpm_*.conf && ln -s ../mods-available/mpm_$1.load ../mods-available/mpm_$1.conf .', [mpm]);
  await host.write(`/etc/apache2/mods-available/mpm_${mpm}.conf`, settings);
  await host.write('/usr/lib/cgi-bin/report', CGI, { mode: '755' });
  await apacheBackend(host, { listen, modules: [mpm === 'prefork' ? 'cgi' : 'cgid'], config: '  ScriptAlias / /usr/lib/cgi-bin/report/\n' });
}

export default [
  defineScenario({
    ...full,
    name: 'worker-pool-apache-prefork',
    traffic: { rps: 8 },
    title: 'Apache has as many processes as MaxRequestWorkers allows, and each runs a slow program',
    setUp: async host => {
      await apacheWithCgi(host, {
        listen: '127.0.0.1:8120',
        mpm: 'prefork',
        settings: '<IfModule mpm_prefork_module>\n\tStartServers 16\n\tMinSpareServers 10\n\tMaxSpareServers 20\n\tMaxRequestWorkers\t  3\n</IfModule>\n',
      });
      await site(host, 'reports', 'proxy_pass http://127.0.0.1:8120; proxy_read_timeout 1s;');
    },
    expect: { ...expected, evidence: ['MaxRequestWorkers'] },
    fix: 'first-plan',
    // After a graceful reload it starts one process a second, for ten seconds.
    afterFix: host => host.restart('apache2'),
  }),
  defineScenario({
    ...full,
    // What nginx has given up waits on, and is worked off after a reload.
    traffic: { rps: 9 },
    name: 'worker-pool-apache-event',
    title: 'All threads of Apache are busy; it listens for everybody and logs far from the usual place',
    setUp: async host => {
      await apacheWithCgi(host, {
        listen: '8121',
        mpm: 'event',
        settings:
          'StartServers 2\nServerLimit 2\nThreadLimit 4\nThreadsPerChild 2\nMinSpareThreads 1\nMaxSpareThreads 4\nMaxRequestWorkers 4\nErrorLog /var/log/apache2/elsewhere.log\n',
      });
      await site(host, 'reports', 'proxy_pass http://127.0.0.1:8121; proxy_read_timeout 1s;');
    },
    expect: expected,
    fix: 'first-plan',
  }),
  defineScenario({
    ...full,
    name: 'worker-pool-uwsgi',
    title: 'Both processes of uWSGI are busy behind a unix socket',
    url: 'http://127.0.0.1/slow?s=0.35',
    setUp: async host => {
      await uwsgi(host, { name: 'depot', code: wsgiApp('depot'), bind: 'unix:/run/depot/wsgi.sock', workers: 2 });
      await site(host, 'depot', 'include uwsgi_params;\n    uwsgi_pass unix:/run/depot/wsgi.sock;\n    uwsgi_read_timeout 700ms;');
    },
    expect: expected,
    fix: 'first-plan',
  }),
  defineScenario({
    ...full,
    name: 'worker-pool-uwsgi-http-threads',
    traffic: { rps: 14 },
    title: 'uWSGI speaks HTTP with two processes of two threads each, and all are busy',
    url: 'http://127.0.0.1/slow?s=0.35',
    setUp: async host => {
      await uwsgi(host, { name: 'depot', code: wsgiApp('depot'), bind: '127.0.0.1:3180', protocol: 'http-socket', workers: 2, settings: { threads: 2 } });
      await site(host, 'depot', 'proxy_pass http://127.0.0.1:3180;\n    proxy_read_timeout 700ms;');
    },
    expect: expected,
    fix: 'first-plan',
  }),
  defineScenario({
    ...full,
    name: 'worker-pool-gunicorn-threads',
    traffic: { rps: 10 },
    title: 'The three threads of the one gthread worker are busy',
    url: 'http://127.0.0.1/slow?s=0.35',
    setUp: async host => {
      await gunicorn(host, { name: 'polls', code: wsgiApp('polls'), bind: '127.0.0.1:8420', workers: 1, threads: 3, args: ['--graceful-timeout', '1'] });
      await site(host, 'polls', 'proxy_pass http://127.0.0.1:8420;\n    proxy_read_timeout 700ms;');
    },
    expect: expected,
    fix: 'first-plan',
  }),
  defineScenario({
    ...full,
    name: 'worker-pool-puma',
    traffic: { rps: 14 },
    title: 'Puma has four threads for a page that takes its time',
    setUp: async host => {
      await puma(host, { name: 'bookshop', bind: 'tcp://127.0.0.1:9299', config: ['threads 1, 4'], work: 'sleep 0.35' });
      await site(host, 'bookshop', 'proxy_pass http://127.0.0.1:9299;\n    proxy_read_timeout 700ms;');
    },
    expect: expected,
    fix: 'first-plan',
  }),
  defineScenario({
    ...full,
    name: 'worker-pool-puma-cluster',
    traffic: { rps: 14 },
    title: 'Two workers of Puma with two threads each are busy behind a unix socket',
    setUp: async host => {
      await puma(host, { name: 'bookshop', bind: 'unix:///run/bookshop/puma.sock', config: ['workers 2', 'threads 2, 2'], work: 'sleep 0.35' });
      await site(host, 'bookshop', 'proxy_pass http://unix:/run/bookshop/puma.sock;\n    proxy_read_timeout 700ms;');
    },
    expect: expected,
    fix: 'first-plan',
  }),
  defineScenario({
    ...full,
    name: 'worker-pool-tomcat',
    title: 'Tomcat has two threads; what waits for them it has accepted long ago',
    url: 'http://127.0.0.1/slow.jsp',
    setUp: async host => {
      await tomcat(host, {
        port: 8188,
        address: '127.0.0.1',
        attributes: { maxThreads: 2, minSpareThreads: 1 },
        files: { 'slow.jsp': '<% Thread.sleep(350); %>ok\n' },
      });
      await site(host, 'archive', 'proxy_pass http://127.0.0.1:8188;\n    proxy_read_timeout 700ms;');
      await compiled(host, 'http://127.0.0.1:8188/slow.jsp');
    },
    expect: {
      ...expected,
      // Tomcat's new start takes longer than the lab waits for a repair on a busy machine.
      check: ({ findings }) => {
        const edits = findings[0]?.fixes[0]?.steps.flatMap(step => (step.kind === 'edit' ? [`${step.path} ${step.after}`] : [])) ?? [];
        return edits.length === 1 && /\/server\.xml .*maxThreads="(?:1\d|[4-9])"/.test(edits[0] ?? '') ? [] : [`the plan's edits are ${edits.join(' | ')}`];
      },
    },
  }),
  defineScenario({
    ...full,
    name: 'worker-pool-uvicorn',
    traffic: { rps: 10, concurrency: 100 },
    title: 'Two workers of uvicorn run code that blocks their loops',
    setUp: async host => {
      const code =
        'import time\n\n\nasync def app(scope, receive, send):\n    if scope["type"] != "http":\n        return\n    time.sleep(0.25)\n    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"3")]})\n    await send({"type": "http.response.body", "body": b"ok\\n"})\n';
      await host.write('/srv/feeds/app.py', code);
      await startUnit(host, {
        unit: 'feeds.service',
        exec: '/usr/bin/python3 -m uvicorn --host 127.0.0.1 --port 8530 --workers 2 app:app',
        workdir: '/srv/feeds',
        service: { TimeoutStopSec: '500ms' },
      });
      await waitForListener(host, '127.0.0.1:8530');
      await site(host, 'feeds', 'proxy_pass http://127.0.0.1:8530;\n    proxy_read_timeout 700ms;');
      await host.until('uvicorn to answer', async () => (await host.request({ urls: ['http://127.0.0.1/'] })).counts['200'] !== undefined);
    },
    expect: expected,
    fix: 'first-plan',
    // On a busy machine its workers take long to start, and until then nobody listens.
    afterFix: host => waitForListener(host, '127.0.0.1:8530', 60_000),
  }),

  // What only looks like a full pool.
  defineScenario({
    name: 'worker-pool-twin-apache-slow-page',
    title: 'One program of Apache takes longer than nginx waits; nearly all of its processes are idle',
    kind: 'twin',
    fault: 'backend-slower-than-timeout',
    twinOf: 'worker-pool-exhausted',
    fails: 504,
    setUp: async host => {
      await apacheWithCgi(host, {
        listen: '127.0.0.1:8122',
        mpm: 'prefork',
        settings: 'StartServers 8\nMinSpareServers 6\nMaxSpareServers 12\nMaxRequestWorkers 40\n',
      });
      await site(host, 'reports', 'proxy_pass http://127.0.0.1:8122; proxy_read_timeout 1s;');
    },
    // The year's data has grown.
    breakIt: host => host.write('/usr/lib/cgi-bin/report', CGI.replace('0.5', '1.6'), { mode: '755' }),
    traffic: { rps: 4 },
    trafficMs: 2000,
    expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', notFindings: ['backend-hung'] },
  }),
  defineScenario({
    name: 'worker-pool-twin-uwsgi-stopped',
    title: 'All processes of uWSGI are stopped by a signal: none is free, and none works either',
    kind: 'twin',
    fault: 'backend-hung',
    twinOf: 'worker-pool-exhausted',
    fails: 504,
    setUp: async host => {
      await uwsgi(host, { name: 'depot', code: wsgiApp('depot'), bind: '127.0.0.1:3181', workers: 3, settings: { threads: 2 } });
      await site(host, 'depot', 'include uwsgi_params;\n    uwsgi_pass 127.0.0.1:3181;\n    uwsgi_read_timeout 1s;');
    },
    breakIt: host => host.systemctl('kill', '-s', 'STOP', 'depot'),
    traffic: { rps: 16, concurrency: 100 },
    trafficMs: 2000,
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
    repair: host => host.systemctl('kill', '-s', 'CONT', 'depot'),
  }),
  defineScenario({
    name: 'worker-pool-twin-tomcat-busy-not-full',
    title: 'Two requests take Tomcat longer than nginx waits; its other threads have nothing to do',
    kind: 'twin',
    fault: 'backend-slower-than-timeout',
    twinOf: 'worker-pool-exhausted',
    fails: 504,
    url: 'http://127.0.0.1/export.jsp',
    setUp: async host => {
      await tomcat(host, {
        port: 8189,
        address: '127.0.0.1',
        attributes: { maxThreads: 30, minSpareThreads: 2 },
        files: { 'export.jsp': '<% if (new java.io.File("/srv/archive/large").exists()) Thread.sleep(1500); %>ok\n', 'index.html': 'ok\n' },
      });
      await site(host, 'archive', 'proxy_pass http://127.0.0.1:8189;\n    proxy_read_timeout 1s;');
      await compiled(host, 'http://127.0.0.1:8189/export.jsp');
    },
    breakIt: host => host.write('/srv/archive/large', ''),
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/export.jsp'], rps: 8 },
    trafficMs: 2000,
    expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', notFindings: ['backend-hung'] },
    repair: async host => {
      await host.run(['rm', '/srv/archive/large']);
    },
  }),
];
