import { defineScenario } from '../scenario.ts';
import { waitForListener } from '../servers/listening.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';

const taking = nodeHttp("request.resume(); request.on('end', () => response.end('taken\\n'));");
const big = 'x'.repeat(400_000);

export default [
  defineScenario({
    name: 'request-body-too-large',
    title: 'Scans of 400 kB are sent to a page for which nginx allows 128 kB',
    kind: 'fault',
    fault: 'request-body-too-large',
    url: 'http://127.0.0.1:8088/scans/new',
    setUp: async host => {
      await nodeApp(host, { name: 'scans', code: taking, listen: '127.0.0.1:9230' });
      await nginxSite(host, {
        name: 'scans',
        listen: '8088',
        serverName: 'scans.example',
        server: 'client_max_body_size 128k;\nlocation / { proxy_pass http://127.0.0.1:9230; }\nlocation /scans/ {\n    proxy_pass http://127.0.0.1:9230;\n}',
      });
      await startNginx(host);
    },
    traffic: { urls: ['http://127.0.0.1:8088/scans/new'], rps: 8, method: 'POST', body: big },
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1:8088/scans/new'], method: 'POST', body: big });
      if (!counts['413']) throw new Error(`no 413 but ${JSON.stringify(counts)}`);
    },
    expect: {
      verdict: 'at-risk',
      firstConfidence: 'confirmed',
      status: 'latent',
      evidence: ['too large body: 400000 bytes', 'client_max_body_size 128k'],
      noneActive: true,
    },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'request-body-too-large-twin-stopped',
    title: 'A few uploads are refused for their size, and the backend was stopped',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'request-body-too-large',
    setUp: async host => {
      await nodeApp(host, { name: 'forms', code: taking, listen: '[::1]:9231' });
      await nginxSite(host, { name: 'forms', server: 'client_max_body_size 64k;\nlocation / { proxy_pass http://[::1]:9231; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.request({ urls: ['http://127.0.0.1/form'], count: 6, method: 'POST', body: big });
      await host.systemctl('stop', 'forms');
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9 },
    repair: async host => {
      await host.start('forms');
      await waitForListener(host, '[::1]:9231');
    },
  }),
];
