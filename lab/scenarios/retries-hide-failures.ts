import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';

const answering = (name: string): string =>
  nodeHttp(`if (require('node:fs').existsSync('/srv/${name}/ill')) response.statusCode = 503; response.end('${name}\\n');`);

async function pair(host: LabHost): Promise<void> {
  await nodeApp(host, { name: 'quote-a', code: answering('quote-a'), listen: '127.0.0.1:5310' });
  await nodeApp(host, { name: 'quote-b', code: answering('quote-b'), listen: '127.0.0.1:5311' });
  await nginxSite(host, {
    name: 'quotes',
    http: 'upstream quotes {\n    server 127.0.0.1:5310 max_fails=0;\n    server 127.0.0.1:5311 max_fails=0;\n}',
    server: 'location / { proxy_pass http://quotes; proxy_next_upstream error timeout http_503; }',
    log: 'timed',
    logs: 'own',
  });
  await startNginx(host);
}

/** Users see 200, and the log holds the try that failed. */
function hides(tries: string): (host: LabHost) => Promise<void> {
  return async host => {
    const log = await host.read('/var/log/nginx/quotes.access.log');
    if (!log.includes(tries)) throw new Error(`no request with ${tries}`);
    if (log.includes('" 502 ') || log.includes('" 503 ')) throw new Error('a user saw an error');
  };
}

export default [
  defineScenario({
    name: 'retries-hide-failures',
    title: 'One of two servers answers 503 to everything, and nginx asks the other one each time',
    kind: 'fault',
    fault: 'retries-hide-failures',
    setUp: pair,
    breakIt: host => host.write('/srv/quote-b/ill', ''),
    symptom: hides('us=503, 200'),
    expect: {
      verdict: 'at-risk',
      firstConfidence: 'confirmed',
      status: 'latent',
      subject: { id: '127.0.0.1:5311' },
      evidence: ['us=503, 200'],
      notFindings: ['backend-down'],
    },
    repair: async host => {
      await host.run(['rm', '/srv/quote-b/ill']);
    },
  }),
  defineScenario({
    name: 'retries-hide-failures-twin-stopped',
    title: 'One of two servers was stopped: its end is the cause, and that retries hide it is the consequence',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'retries-hide-failures',
    setUp: pair,
    breakIt: host => host.systemctl('stop', 'quote-a'),
    symptom: hides('us=502, 200'),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', consequences: ['retries-hide-failures'] },
    fix: 'first-plan',
  }),
];
