import { defineScenario } from '../scenario.ts';
import { nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { rawTcp } from '../servers/raw-tcp.ts';

const SITE = '/etc/nginx/sites-enabled/cart.conf';

export default [
  defineScenario({
    name: 'http2-upstream-mismatch',
    title: 'grpc_pass to a server that speaks HTTP/1.1',
    kind: 'fault',
    fault: 'http2-upstream-mismatch',
    setUp: async host => {
      await nodeApp(host, { name: 'cart', code: nodeHttp(), listen: '127.0.0.1:50055' });
      await nginxSite(host, { name: 'cart', server: 'location / { proxy_pass http://127.0.0.1:50055; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, SITE, 'proxy_pass http:', 'grpc_pass grpc:');
      await reloadNginx(host);
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, notFindings: ['backend-crashing'] },
    repair: async host => {
      await replaceIn(host, SITE, 'grpc_pass grpc:', 'proxy_pass http:');
      await reloadNginx(host);
    },
  }),
  defineScenario({
    name: 'http2-upstream-mismatch-twin-header',
    title: 'HTTP/1.1 on both sides, and a header that nginx refuses',
    kind: 'twin',
    fault: 'invalid-response-header',
    twinOf: 'http2-upstream-mismatch',
    setUp: async host => {
      await rawTcp(host, { name: 'cart', listen: '127.0.0.1:50056', behaviour: 'answer', text: 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n' });
      await nginxSite(host, { name: 'cart', server: 'location / { proxy_pass http://127.0.0.1:50056; }' });
      await startNginx(host);
    },
    breakIt: host => rawTcp(host, { name: 'cart', listen: '127.0.0.1:50056', behaviour: 'garbage' }),
    symptom: async host => {
      const log = await host.read('/var/log/nginx/error.log');
      if (!log.includes('no valid HTTP/1.0 header')) throw new Error('nginx did not complain');
    },
    expect: { verdict: 'failing', status: 'active' },
  }),
];
