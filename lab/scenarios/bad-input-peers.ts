import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import type { Scenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { rawTcp } from '../servers/raw-tcp.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

/** Peers that misbehave beside one that is down: the report comes in time and names what is down. */
const misbehaving = {
  hang: 7101,
  'no-accept': 7102,
  garbage: 7103,
  'endless-header': 7104,
  trickle: 7105,
  reset: 7106,
  'close-at-once': 7107,
  truncate: 7108,
} as const;

const flood = `import socket, threading
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", 7109))
server.listen(64)
def serve(client):
    try:
        client.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Type: text/plain\\r\\n\\r\\n")
        while True:
            client.sendall(b"\\x1b[2J" * 20000)
    except OSError:
        client.close()
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
`;

const slow = `import socket, threading, time
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", 7110))
server.listen(64)
def serve(client):
    try:
        for byte in b"HTTP/1.1 200 OK\\r\\nX-Filler: " + b"x" * 10000:
            client.sendall(bytes([byte]))
            time.sleep(1)
    except OSError:
        client.close()
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
`;

const ports = [...Object.values(misbehaving), 7109, 7110];

const setUp = async (host: LabHost): Promise<void> => {
  const endless = async ([name, text]: readonly [string, string]): Promise<void> => {
    await host.write(`/srv/${name}/server.py`, text);
    await host.runService(name, ['/usr/bin/python3', `/srv/${name}/server.py`]);
  };
  await Promise.all([
    gunicorn(host, { name: 'desk', code: wsgiApp('desk'), bind: '127.0.0.1:8222', workers: 1 }),
    ...Object.entries({ flood, slow }).map(endless),
    ...Object.entries(misbehaving).map(([behaviour, port]) =>
      rawTcp(host, { name: `bad-${behaviour}`, listen: `127.0.0.1:${port}`, behaviour: behaviour as keyof typeof misbehaving, seconds: 1 }),
    ),
  ]);
  await nginxSite(host, {
    name: 'desk',
    server: `location / { proxy_pass http://127.0.0.1:8222; }
${ports.map(port => `location /p${port}/ { proxy_pass http://127.0.0.1:${port}; }\nlocation /f${port}/ { include fastcgi_params; fastcgi_pass 127.0.0.1:${port}; }\nlocation /u${port}/ { include uwsgi_params; uwsgi_pass 127.0.0.1:${port}; }\nlocation /t${port}/ { proxy_pass https://127.0.0.1:${port}; }`).join('\n')}`,
  });
  await startNginx(host);
};

const base = { setUp, trafficMs: 700 } as const satisfies Partial<Scenario>;

export default [
  defineScenario({
    ...base,
    name: 'bad-input-peers',
    title: 'A backend is down; ten other peers hang, babble without end, send a byte a second or speak nonsense, in four protocols',
    kind: 'fault',
    fault: 'backend-down',
    breakIt: host => host.systemctl('stop', 'desk'),
    expect: {
      maxMs: 15_000,
      maxMiB: 160,
      verdict: 'failing',
      findings: [{ fault: 'backend-down', confidence: 'confirmed', status: 'active' }, { fault: 'protocol-mismatch' }, { fault: 'response-header-too-big' }],
      minShare: 0.9,
    },
  }),
  defineScenario({
    ...base,
    name: 'bad-input-peers-unasked',
    title: 'The same backend is down among the same peers; without a question to any of them the answer comes sooner',
    kind: 'fault',
    fault: 'backend-down',
    breakIt: host => host.systemctl('stop', 'desk'),
    args: ['--no-probe'],
    expect: { maxMs: 6000, verdict: 'failing', findings: [{ fault: 'backend-down', status: 'active' }], minShare: 0.9 },
  }),
];
