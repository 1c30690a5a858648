import { defineScenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';

const url = 'http://127.0.0.1/orders';
const proxied = 'set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;';
const sizes = `log_format sizes '$remote_addr [$time_iso8601] "$request" $status $body_bytes_sent len=$request_length us=$upstream_status ua=$upstream_addr uht=$upstream_header_time';`;

export default [
  defineScenario({
    name: 'where-one-client',
    title: 'An application fails for one client of twelve that come through a balancer',
    kind: 'fault',
    fault: 'app-returned-5xx',
    url,
    setUp: async host => {
      await nodeApp(host, {
        name: 'orders',
        code: nodeHttp("if (request.headers['x-forwarded-for'] === '203.0.113.9') response.statusCode = 500; response.end('ok');"),
        listen: '127.0.0.1:8461',
      });
      await nginxSite(host, {
        name: 'orders',
        log: 'timed',
        server: `${proxied}\nlocation / { proxy_set_header X-Forwarded-For $remote_addr; proxy_pass http://127.0.0.1:8461; }`,
      });
      await startNginx(host);
    },
    traffic: false,
    trafficMs: 0,
    breakIt: async host => {
      const asked = Array.from({ length: 48 }, (_, index) => (index % 3 === 0 ? '203.0.113.9' : `198.51.100.${1 + (index % 11)}`));
      await host.run([
        'curl',
        ...asked.flatMap((client, index) => [...(index === 0 ? [] : ['--next']), '-s', '-o', '/dev/null', '-H', `X-Forwarded-For: ${client}`, url]),
      ]);
    },
    symptom: async host => {
      if (!(await host.read('/var/log/nginx/access.log')).includes(' 500 ')) throw new Error('no request failed');
    },
    expect: { where: /from 203\.0\.113\.9$/ },
  }),
  defineScenario({
    name: 'where-large-requests',
    title: 'An application fails on large orders; small ones pass',
    kind: 'fault',
    fault: 'app-returned-5xx',
    url,
    setUp: async host => {
      await nodeApp(host, {
        name: 'orders',
        code: nodeHttp(
          "request.resume(); request.on('end', () => { if (Number(request.headers['content-length'] ?? 0) > 200000) response.statusCode = 500; response.end('ok'); });",
        ),
        listen: '127.0.0.1:8462',
      });
      await nginxSite(host, {
        name: 'orders',
        http: sizes,
        server: 'access_log /var/log/nginx/orders.log sizes;\nclient_max_body_size 8m;\nlocation / { proxy_pass http://127.0.0.1:8462; }',
      });
      await startNginx(host);
    },
    traffic: false,
    trafficMs: 0,
    breakIt: async host => {
      const post = (bytes: number, count: number): Promise<unknown> => host.request({ urls: [url], method: 'POST', body: 'x'.repeat(bytes), count });
      await Promise.all([...[700_000, 500_000, 900_000].map(bytes => post(bytes, 8)), ...[300, 9000, 60_000, 120_000].map(bytes => post(bytes, 12))]);
    },
    symptom: async host => {
      if (!(await host.read('/var/log/nginx/orders.log')).includes(' 500 ')) throw new Error('no request failed');
    },
    expect: { where: /requests of about (?:362|512)\.\d KiB and more$/ },
  }),
];
