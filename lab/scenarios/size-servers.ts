import { defineScenario } from '../scenario.ts';
import { apacheBackend } from '../servers/apache.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp } from '../servers/node.ts';
import { puma } from '../servers/ruby.ts';
import { tomcat } from '../servers/tomcat.ts';
import { demand, enough, poolIn, size } from './size-limits.ts';

/** Two processes that share a port, as Node's cluster starts them. */
const cluster = `const cluster = require('node:cluster');
if (cluster.isPrimary) for (let n = 0; n < 2; n++) cluster.fork();
else require('node:http').createServer((_, response) => response.end('cluster\\n')).listen(8487, '127.0.0.1');
`;

const urls = ['/apache/', '/tomcat/', '/puma/', '/node/'].map(path => `http://127.0.0.1:8085${path}`);

export default [
  defineScenario({
    name: 'size-other-servers',
    title: 'Apache, Tomcat, Puma and a Node cluster with what their packages and guides set, all well',
    kind: 'healthy',
    url: 'http://127.0.0.1:8085/apache/',
    setUp: async host => {
      await Promise.all([
        apacheBackend(host, { listen: '127.0.0.1:8486' }),
        tomcat(host, { port: 8488, attributes: { maxThreads: 60 } }),
        puma(host, { name: 'rack', bind: 'tcp://127.0.0.1:8489', config: ['workers 2', 'threads 1, 5'] }),
        nodeApp(host, { name: 'twin', code: cluster, listen: '127.0.0.1:8487' }),
      ]);
      await nginxSite(host, {
        name: 'servers',
        listen: '8085',
        server: `location /apache/ { proxy_pass http://127.0.0.1:8486/; }
location /tomcat/ { proxy_pass http://127.0.0.1:8488/; }
location /puma/ { proxy_pass http://127.0.0.1:8489/; }
location /node/ { proxy_pass http://127.0.0.1:8487/; }`,
        log: 'timed',
      });
      await startNginx(host);
      await enough(host, urls);
    },
    traffic: { urls, rps: 8 },
    trafficMs: 2000,
    symptom: host => enough(host, urls),
    expect: { noneActive: true },
    also: async (_, badhop) => {
      const report = await size(badhop);
      demand(report.pools.length === 4, 'there are four pools', report);
      demand(report.verdict === 'fits', 'nothing is to be changed', report);
      const now = (name: string): number | undefined => poolIn(report, name).now?.value;
      demand(now('tomcat') === 60 && poolIn(report, 'tomcat').setting === 'maxThreads', 'Tomcat has 60 threads', report);
      demand(now('rack.service') === 2 && now('twin.service') === 2, 'Puma and Node have two processes each', report);
      demand((now('apache') ?? 0) >= 100 && poolIn(report, 'apache').setting === 'MaxRequestWorkers', "Apache has its package's number", report);
    },
  }),
];
