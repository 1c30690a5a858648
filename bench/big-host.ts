import { nodeBinary, type LabHost } from '../lab/host.ts';

/** How big the big host is. */
export const bigHost = { serverBlocks: 200, upstreams: 50, peersEach: 8, processes: 2000, connections: 20_000 } as const;

const firstPort = 21_000;
/** Seconds after which all that this starts has ended by itself. */
const lifeSeconds = 900;
/** Machines allow a process at least this many open files; the clients are as many processes as it takes. */
const maxOpenFiles = 16_000;
const clientProcesses = 4;

const nginxConf = `user www-data;
worker_processes 4;
worker_rlimit_nofile ${maxOpenFiles};
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;
events { worker_connections 16384; }
http {
    access_log /var/log/nginx/access.log;
    keepalive_timeout ${lifeSeconds}s;
    client_header_timeout ${lifeSeconds}s;
    server_names_hash_max_size 2048;
    include /etc/nginx/conf.d/*.conf;
    include /etc/nginx/sites-enabled/*;
}
`;

/** One process on all ports of the peers; a cheap answer, and idle connections stay open. */
const backend = `const { createServer } = require('node:http');
const [first, count] = process.argv.slice(2).map(Number);
for (let port = first; port < first + count; port += 1) createServer({ keepAliveTimeout: 60_000 }, (_, response) => response.end('ok\\n')).listen(port, '127.0.0.1');
setTimeout(() => process.exit(), ${lifeSeconds * 1000});
`;

/** Opens connections to nginx, two hundred at a time, sends one request on each and leaves them open. */
const clients = `const { connect } = require('node:net');
const count = Number(process.argv[2]);
let open = 0;
const batch = () => {
  let left = Math.min(200, count - open);
  if (left === 0) return require('node:fs').writeFileSync('/run/clients-ready-' + process.argv[3], String(open));
  for (let index = left; index > 0; index -= 1) {
    const site = (open + index) % ${bigHost.serverBlocks};
    const socket = connect({ host: '127.0.0.' + (2 + (index % 4)), port: 80 }, () => socket.write('GET /item/' + index + ' HTTP/1.1\\r\\nHost: site' + site + '.example\\r\\n\\r\\n'));
    socket.once('data', () => { open += 1; left -= 1; if (left === 0) setImmediate(batch); });
    socket.on('error', () => { left -= 1; if (left === 0) setImmediate(batch); });
  }
};
batch();
setTimeout(() => process.exit(), ${lifeSeconds * 1000});
`;

/**
 * Makes a lab host big: 200 server blocks over 50 upstreams of 8 peers, each peer a listener that answers, 2,000 processes,
 * and 20,000 open connections of clients that nginx holds. Two peers of one upstream are stopped, so that there is
 * something to find.
 */
export async function makeBig(host: LabHost): Promise<void> {
  const { serverBlocks, upstreams, peersEach, processes, connections } = bigHost;
  await host.write('/etc/nginx/nginx.conf', nginxConf);
  await host.shell('rm -f /etc/nginx/sites-enabled/*');
  await host.write('/etc/nginx/conf.d/upstreams.conf', Array.from({ length: upstreams }, (_, at) => upstream(at, peersEach)).join('\n'));
  await host.shell('awk -v RS="\\n#next\\n" \'{ name = sprintf("/etc/nginx/sites-enabled/site%d.conf", NR - 1); printf "%s", $0 > name; close(name) }\'', [], {
    input: Array.from({ length: serverBlocks }, (_, at) => site(at, at % upstreams)).join('\n#next\n'),
  });

  await host.write('/srv/backends/server.cjs', backend);
  const listening = upstreams * peersEach - 2;
  await host.runService('backends', [nodeBinary(), '/srv/backends/server.cjs', String(firstPort), String(listening)], {
    properties: { LimitNOFILE: String(maxOpenFiles) },
  });
  const sleepers = `i=0; while [ $i -lt ${processes} ]; do sleep ${lifeSeconds} & i=$((i + 1)); done; wait`;
  await host.runService('sleepers', ['sh', '-c', sleepers], { properties: { TasksMax: 'infinity' } });
  await host.systemctl('start', 'nginx');
  await host.until('the backends to listen', async () => (await host.exec(['sh', '-c', 'ss -Hltn | wc -l'])).stdout.trim() >= String(listening), 20_000);

  await host.write('/srv/clients/clients.cjs', clients);
  for (let index = 0; index < clientProcesses; index += 1) {
    const argv = [nodeBinary(), '/srv/clients/clients.cjs', String(connections / clientProcesses), String(index)];
    await host.runService(`clients${index}`, argv, { properties: { LimitNOFILE: String(maxOpenFiles) } });
  }
  await host.until(
    'the clients to be connected',
    async () => (await host.exec(['test', '-e', `/run/clients-ready-${clientProcesses - 1}`])).code === 0,
    60_000,
  );
}

/** The last upstream's last two peers are the ones at which nobody listens. */
function upstream(at: number, peersEach: number): string {
  const servers = Array.from({ length: peersEach }, (_, peer) => `    server 127.0.0.1:${firstPort + at * peersEach + peer};\n`);
  return `upstream pool${at} {\n${servers.join('')}    keepalive 16;\n}\n`;
}

function site(at: number, pool: number): string {
  return `server {
    listen 80;
    server_name site${at}.example www.site${at}.example;
    root /srv/site${at};
    location / {
        proxy_pass http://pool${pool};
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $host;
    }
    location /static/ { expires 1h; }
    location /api/ {
        proxy_pass http://pool${(pool + 7) % bigHost.upstreams}/;
        proxy_read_timeout 30s;
    }
}
`;
}
