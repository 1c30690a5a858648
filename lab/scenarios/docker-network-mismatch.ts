import { defineScenario } from '../scenario.ts';
import { nodeBinary } from '../host.ts';
import type { LabHost } from '../host.ts';
import { waitForListener } from '../servers/listening.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';
import { startUnit } from '../servers/unit.ts';

/** A network namespace with its own loopback, cabled to the host's: what an engine makes for each container. */
async function networkNamespace(host: LabHost, name: string, own: string, there: string): Promise<void> {
  const script = `ip netns add "$1"; ip -n "$1" link set lo up
    ip link add "to-$1" type veth peer name eth0 netns "$1"
    ip addr add "$2/24" dev "to-$1"; ip link set "to-$1" up
    ip -n "$1" addr add "$3/24" dev eth0; ip -n "$1" link set eth0 up`;
  await host.shell(script, [name, own, there]);
}

async function dropIn(host: LabHost, unit: string, line: string): Promise<void> {
  await host.write(`/etc/systemd/system/${unit}.d/network.conf`, `[Service]\n${line}\n`);
  await host.systemctl('daemon-reload');
  await host.restart(unit);
}

async function withoutDropIn(host: LabHost, unit: string): Promise<void> {
  await host.run(['rm', `/etc/systemd/system/${unit}.d/network.conf`]);
  await host.systemctl('daemon-reload');
  await host.restart(unit);
}

export default [
  defineScenario({
    name: 'docker-network-mismatch',
    title: 'A hardening drop-in gave the backend a network of its own; it listens on the same address there',
    kind: 'fault',
    fault: 'docker-network-mismatch',
    setUp: async host => {
      await gunicorn(host, { name: 'orders', code: wsgiApp('orders'), bind: '127.0.0.1:8017' });
      await gunicorn(host, { name: 'mails', code: wsgiApp('mails'), bind: '127.0.0.1:8018' });
      await nginxSite(host, { name: 'orders', server: 'location / { proxy_pass http://127.0.0.1:8017; }' });
      await startNginx(host);
    },
    breakIt: host => dropIn(host, 'orders.service', 'PrivateNetwork=yes'),
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      evidence: ['LISTEN 127.0.0.1:8017', 'ECONNREFUSED'],
      notFindings: ['backend-down', 'address-mismatch'],
    },
    repair: host => withoutDropIn(host, 'orders.service'),
  }),
  defineScenario({
    name: 'docker-network-mismatch-nginx-apart',
    title: 'nginx was moved into a network namespace, and its backend stayed on the loopback of the host',
    kind: 'fault',
    fault: 'docker-network-mismatch',
    url: 'http://192.0.2.2:8088/',
    setUp: async host => {
      await networkNamespace(host, 'edge', '192.0.2.1', '192.0.2.2');
      await host.run(['ip', 'addr', 'add', '192.0.2.2/32', 'dev', 'lo']);
      await nodeApp(host, { name: 'seats', code: nodeHttp("response.end('seats\\n');"), listen: '127.0.0.1:3300' });
      await nginxSite(host, {
        name: 'seats',
        listen: '8088',
        http: 'upstream seats { server 127.0.0.1:3300; }',
        server: 'location / { proxy_pass http://seats; }',
        log: 'timed',
        logs: 'own',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.run(['ip', 'addr', 'del', '192.0.2.2/32', 'dev', 'lo']);
      await dropIn(host, 'nginx.service', 'NetworkNamespacePath=/run/netns/edge');
    },
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      evidence: ['LISTEN 127.0.0.1:3300'],
      notChecked: ['nsenter -t'],
      notFindings: ['backend-down', 'address-mismatch', 'restart-window'],
    },
  }),
  defineScenario({
    name: 'docker-network-mismatch-unpublished',
    title: 'The backend was started anew in a namespace like a container, on all of its addresses, and no port leads there',
    kind: 'fault',
    fault: 'docker-network-mismatch',
    setUp: async host => {
      await networkNamespace(host, 'box', '198.51.100.1', '198.51.100.2');
      await nodeApp(host, { name: 'loans', code: nodeHttp("response.end('loans\\n');"), listen: '0.0.0.0:9105' });
      await nginxSite(host, { name: 'loans', server: 'location / { proxy_pass http://127.0.0.1:9105; }' });
      await startNginx(host);
    },
    breakIt: host => dropIn(host, 'loans.service', 'NetworkNamespacePath=/run/netns/box'),
    // Another program with the same port inside would look the same.
    expect: { verdict: 'failing', firstConfidence: ['likely', 'confirmed'], status: 'active', evidence: ['0.0.0.0:9105'] },
    repair: async host => {
      await host.shell('sed -i "s/127.0.0.1:9105/198.51.100.2:9105/" /etc/nginx/sites-enabled/loans.conf');
      await host.systemctl('reload', 'nginx');
    },
  }),
  defineScenario({
    name: 'docker-network-mismatch-published',
    title: 'A published port leads into a namespace where the program listens on the loopback since its last start',
    kind: 'fault',
    fault: 'docker-network-mismatch',
    setUp: async host => {
      await networkNamespace(host, 'box', '198.51.100.71', '198.51.100.72');
      await nodeApp(host, { name: 'fares', code: nodeHttp("response.end('fares\\n');"), listen: '0.0.0.0:8090' });
      await dropIn(host, 'fares.service', 'NetworkNamespacePath=/run/netns/box');
      await host.until('fares to answer there', async () => (await host.request({ urls: ['http://198.51.100.72:8090/'] })).counts['200'] === 1);
      await published(host, { port: 8085, target: '198.51.100.72:8090' });
      await nginxSite(host, { name: 'fares', server: 'location / { proxy_pass http://127.0.0.1:8085; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.shell('sed -i "s/0.0.0.0:8090/127.0.0.1:8090/" /etc/systemd/system/fares.service');
      await host.systemctl('daemon-reload');
      await host.restart('fares');
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', evidence: ['docker-proxy', 'LISTEN 127.0.0.1:8090'] },
  }),
  defineScenario({
    name: 'docker-network-mismatch-twin-stopped',
    title: 'The backend was stopped; a program in a network of its own has the same port',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'docker-network-mismatch',
    setUp: async host => {
      await gunicorn(host, { name: 'orders', code: wsgiApp('orders'), bind: '127.0.0.1:8021' });
      await host.write('/srv/boxed/server.cjs', nodeHttp("response.end('other\\n');"));
      await startUnit(host, { unit: 'boxed.service', exec: `${nodeBinary()} /srv/boxed/server.cjs 127.0.0.1:8021`, service: { PrivateNetwork: 'yes' } });
      await nginxSite(host, { name: 'orders', server: 'location / { proxy_pass http://127.0.0.1:8021; }' });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'orders'),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
    repair: host => host.start('orders'),
  }),
  defineScenario({
    name: 'docker-network-mismatch-twin-two-nginx',
    title: 'Two nginx in two network namespaces use the same address; the backend of the inner one was stopped',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'docker-network-mismatch',
    url: 'http://203.0.113.2/',
    setUp: twoNginx,
    breakIt: host => host.systemctl('stop', 'inside'),
    expect: { verdict: 'failing', status: 'active' },
    repair: host => host.start('inside'),
  }),
  defineScenario({
    name: 'docker-network-mismatch-twin-inner-hangs',
    title: 'Two nginx in two network namespaces use the same address; the backend of the inner one hangs, and that of the outer one answers',
    kind: 'twin',
    fault: 'backend-hung',
    twinOf: 'docker-network-mismatch',
    url: 'http://203.0.113.2/',
    setUp: twoNginx,
    fails: 504,
    breakIt: host => host.systemctl('kill', '-s', 'STOP', 'inside'),
    traffic: { rps: 3 },
    expect: { verdict: 'failing', status: 'active', evidence: ['state T'], notFindings: ['backend-slower-than-timeout'] },
    repair: host => host.systemctl('kill', '-s', 'CONT', 'inside'),
  }),
];

/** Each has a backend of its own at the same address. */
async function twoNginx(host: LabHost): Promise<void> {
  await networkNamespace(host, 'inner', '203.0.113.1', '203.0.113.2');
  await gunicorn(host, { name: 'outside', code: wsgiApp('outside'), bind: '127.0.0.1:8030' });
  await gunicorn(host, { name: 'inside', code: wsgiApp('inside'), bind: '127.0.0.1:8030', service: { NetworkNamespacePath: '/run/netns/inner' } });
  await nginxSite(host, { name: 'site', server: 'location / { proxy_pass http://127.0.0.1:8030; }' });
  await startNginx(host);
  const config = `pid /run/nginx-inner.pid;
events {}
http {
  access_log /var/log/nginx/inner.access.log;
  error_log /var/log/nginx/inner.error.log;
  server { listen 80; location / { proxy_pass http://127.0.0.1:8030; proxy_read_timeout 1s; } }
}
`;
  await host.write('/etc/nginx/inner.conf', config);
  const exec = "/usr/sbin/nginx -c /etc/nginx/inner.conf -g 'daemon off;'";
  await startUnit(host, { unit: 'nginx-inner.service', exec, user: 'root', service: { NetworkNamespacePath: '/run/netns/inner' } });
  await host.until('the inner nginx', async () => (await host.request({ urls: ['http://203.0.113.2/'] })).counts['200'] === 1);
}

/** What stands in for Docker's proxy of a published port: it takes connections, and passes them into the namespace. */
async function published(host: LabHost, { port, target }: { readonly port: number; readonly target: string }): Promise<void> {
  const [address = '', inner = ''] = target.split(':');
  const program = `const { connect, createServer } = require('node:net');
createServer(client => {
  const inside = connect(${inner}, '${address}');
  client.pipe(inside).pipe(client);
  inside.on('error', () => client.destroy());
  client.on('error', () => inside.destroy());
}).listen(${port}, '127.0.0.1');
`;
  await host.write('/srv/proxy/proxy.cjs', program);
  const args = `-proto tcp -host-ip 127.0.0.1 -host-port ${port} -container-ip ${address} -container-port ${inner}`;
  await startUnit(host, { unit: 'published.service', exec: `@${nodeBinary()} docker-proxy /srv/proxy/proxy.cjs ${args}`, user: 'root' });
  await waitForListener(host, `127.0.0.1:${port}`);
}
