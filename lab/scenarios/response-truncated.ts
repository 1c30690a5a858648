import { defineScenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { rawTcp } from '../servers/raw-tcp.ts';

export default [
  defineScenario({
    name: 'response-truncated',
    title: 'The backend announces nine kilobytes, sends half of them and closes',
    kind: 'fault',
    fault: 'response-truncated',
    url: 'http://127.0.0.1/export',
    setUp: async host => {
      await gunicorn(host, { name: 'pages', code: wsgiApp('pages'), bind: '127.0.0.1:8150' });
      await rawTcp(host, { name: 'export', listen: '127.0.0.1:8151', behaviour: 'answer', text: 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n' });
      await nginxSite(host, {
        name: 'pages',
        server: 'location / { proxy_pass http://127.0.0.1:8150; }\nlocation /export { proxy_pass http://127.0.0.1:8151; }',
      });
      await startNginx(host);
    },
    breakIt: host => rawTcp(host, { name: 'export', listen: '127.0.0.1:8151', behaviour: 'truncate' }),
    symptom: async host => {
      const log = await host.read('/var/log/nginx/error.log');
      if (!log.includes('prematurely closed connection while reading upstream')) throw new Error('no answer was cut');
    },
    expect: { verdict: 'failing', firstConfidence: 'likely', status: 'active', notFindings: ['backend-crashing'] },
  }),
  defineScenario({
    name: 'response-truncated-twin-header',
    title: 'The connection ends before any header: nothing was sent that could be cut',
    kind: 'twin',
    fault: 'backend-crashing',
    twinOf: 'response-truncated',
    url: 'http://127.0.0.1/die',
    setUp: async host => {
      await gunicorn(host, { name: 'pages', code: wsgiApp('pages'), bind: '127.0.0.1:8150', workers: 3 });
      await nginxSite(host, { name: 'pages', server: 'location / { proxy_pass http://127.0.0.1:8150; }' });
      await startNginx(host);
    },
    healthy: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
      if (!counts['200']) throw new Error(JSON.stringify(counts));
    },
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/die'], rps: 4 },
    trafficMs: 3000,
    expect: { verdict: 'failing', status: 'active' },
  }),
  defineScenario({
    name: 'response-truncated-twin-stall',
    title: 'The export begins at once and stops in its middle for longer than nginx waits: it is nginx that ends it',
    kind: 'twin',
    fault: 'backend-slower-than-timeout',
    twinOf: 'response-truncated',
    url: 'http://127.0.0.1/export',
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/export'], rps: 10 },
    trafficMs: 2500,
    setUp: async host => {
      const code = nodeHttp(
        "if (request.url !== '/export') return response.end('archive\\n'); response.write('a'.repeat(3000)); setTimeout(() => response.end('b'), require('node:fs').existsSync('/srv/archive/large') ? 2200 : 0);",
      );
      await nodeApp(host, { name: 'archive', code, listen: '127.0.0.1:8157' });
      await nginxSite(host, { name: 'archive', server: 'location / { proxy_pass http://127.0.0.1:8157; proxy_read_timeout 700ms; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: host => host.write('/srv/archive/large', ''),
    symptom: async host => {
      const log = await host.read('/var/log/nginx/error.log');
      if (!log.includes('timed out) while reading upstream')) throw new Error('no answer stopped in its middle');
    },
    expect: { verdict: 'failing', status: 'active', minShare: 0.9, evidence: [/proxy_read_timeout/], where: '/export', notFindings: ['backend-hung'] },
    also: async (_host, badhop) => {
      const { report } = await badhop(['diagnose', '--format', 'json', '--no-probe'], { user: 'nobody' });
      const [first] = report?.findings ?? [];
      if (first?.fault !== 'backend-slower-than-timeout') throw new Error(`without a question and rights: ${first?.fault ?? 'nothing'}`);
    },
  }),
];
