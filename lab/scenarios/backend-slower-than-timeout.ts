import { defineScenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

/** Searches take a second longer than this site's nginx waits once the index has grown. */
const SEARCH = `const late = require('node:fs').existsSync('/srv/library/grown') && request.url.startsWith('/search');
setTimeout(() => response.end('library\\n'), late ? 2000 : 5);`;

export default [
  defineScenario({
    name: 'backend-slower-than-timeout',
    title: 'Searches answer after two seconds, and nginx waits one',
    kind: 'fault',
    fault: 'backend-slower-than-timeout',
    url: 'http://127.0.0.1/search?q=maps',
    fails: 504,
    setUp: async host => {
      await nodeApp(host, { name: 'library', code: nodeHttp(SEARCH), listen: '127.0.0.1:3721' });
      await nginxSite(host, {
        name: 'library',
        server: 'location / { proxy_pass http://127.0.0.1:3721; }\nlocation /search { proxy_pass http://127.0.0.1:3721; proxy_read_timeout 1s; }',
        log: 'timed',
      });
      await startNginx(host);
    },
    breakIt: host => host.write('/srv/library/grown', ''),
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/shelf/4', 'http://127.0.0.1/search?q=maps'], rps: 6 },
    trafficMs: 2500,
    expect: { verdict: 'failing', status: 'active', minShare: 0.9, notFindings: ['backend-down', 'worker-pool-exhausted'] },
    repair: async host => {
      await host.run(['rm', '/srv/library/grown']);
    },
  }),
  defineScenario({
    name: 'backend-slower-than-timeout-twin-hung',
    title: 'The backend was frozen: nothing answers, however long one waits',
    kind: 'twin',
    fault: 'backend-hung',
    twinOf: 'backend-slower-than-timeout',
    fails: 504,
    setUp: async host => {
      await gunicorn(host, { name: 'library', code: wsgiApp('library'), bind: 'unix:/run/library/app.sock', workers: 3 });
      await nginxSite(host, {
        name: 'library',
        server: 'location / { proxy_pass http://unix:/run/library/app.sock; proxy_read_timeout 1500ms; }',
        log: 'timed',
      });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('kill', '-s', 'STOP', 'library'),
    trafficMs: 2500,
    expect: { verdict: 'failing', status: 'active' },
    repair: host => host.systemctl('kill', '-s', 'CONT', 'library'),
  }),
];
