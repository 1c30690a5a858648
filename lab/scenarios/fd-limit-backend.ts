import { defineScenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

/** Keeps each file that it reads open. */
const leaks = wsgiApp('archive').replace(
  '    status, headers, body =',
  '    if path == "/scan":\n        kept.append(open("/etc/hostname"))\n    status, headers, body =',
);

/** Reads a file for each request, and answers 500 where that cannot be opened. */
const reads = `require('node:fs').open('/etc/hostname', (error, file) => {
  if (error) { console.error(error); response.statusCode = 500; response.end('no'); return; }
  if (request.url.startsWith('/keep')) return response.end('kept\\n');
  require('node:fs').close(file, () => response.end('ok\\n'));
});`;

export default [
  defineScenario({
    name: 'fd-limit-backend',
    title: 'An application keeps some files open, and its unit allows it forty: each further one is a 500',
    kind: 'fault',
    fault: 'fd-limit-backend',
    fails: 500,
    setUp: async host => {
      await nodeApp(host, { name: 'archive', code: nodeHttp(reads), listen: '127.0.0.1:8642', service: { LimitNOFILE: '40' } });
      await nginxSite(host, { name: 'archive', server: 'location / { proxy_pass http://127.0.0.1:8642; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.shell('for n in $(seq 40); do curl -s -m 2 http://127.0.0.1/keep -o /dev/null; done');
    },
    trafficMs: 2000,
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', evidence: ['open files of 40', 'EMFILE'] },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'fd-limit-backend-leak',
    title: 'An application closes no file; its worker dies of it again and again, and begins anew',
    kind: 'fault',
    fault: 'fd-limit-backend',
    setUp: async host => {
      await gunicorn(host, { name: 'scans', code: leaks, bind: 'unix:/run/scans/app.sock', workers: 1, threads: 2, service: { LimitNOFILE: '40' } });
      await nginxSite(host, { name: 'scans', server: 'location / { proxy_pass http://unix:/run/scans/app.sock; }', logs: 'own' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.shell('for n in $(seq 60); do curl -s -m 2 http://127.0.0.1/scan -o /dev/null; done');
    },
    traffic: { urls: ['http://127.0.0.1/scan'], rps: 12 },
    trafficMs: 3000,
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/scan'], count: 60, rps: 30 });
      if (counts['502'] === undefined) throw new Error(`it works: ${JSON.stringify(counts)}`);
    },
    expect: { verdict: 'failing', status: 'active', evidence: ['Too many open files'] },
  }),
  defineScenario({
    name: 'fd-limit-backend-twin-app-error',
    title: 'The application opens a file for each request and closes it; it answers 500 for another reason',
    kind: 'twin',
    fault: 'app-returned-5xx',
    twinOf: 'fd-limit-backend',
    fails: 500,
    setUp: async host => {
      await nodeApp(host, {
        name: 'wall',
        code: nodeHttp(
          reads.replace("response.end('ok\\n')", "{ if (require('node:fs').existsSync('/srv/wall/off')) response.statusCode = 500; response.end('ok\\n'); }"),
        ),
        listen: '127.0.0.1:3055',
      });
      await nginxSite(host, { name: 'wall', listen: '8082', server: 'location / { proxy_pass http://127.0.0.1:3055; }', log: 'timed' });
      await startNginx(host);
    },
    url: 'http://127.0.0.1:8082/',
    breakIt: host => host.write('/srv/wall/off', ''),
    expect: { verdict: 'failing', status: 'active' },
    repair: async host => {
      await host.run(['rm', '/srv/wall/off']);
    },
  }),
];
