import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

/**
 * Clients that begin a request and do not end it, as phones with a bad network do; they come back when they are sent away, up to fifty of them a
 * second, so that what is free for a moment is not free for long.
 */
export async function idleClients(host: LabHost, count: number, port = 80): Promise<void> {
  const program = `import select, socket, time
held, poll = {}, select.poll()
while True:
    for fd, _ in poll.poll(20):
        poll.unregister(fd)
        held.pop(fd).close()
    while len(held) < ${count}:
        s = socket.socket()
        s.settimeout(1)
        try:
            s.connect(("127.0.0.1", ${port}))
            s.sendall(b"GET / HTTP/1.1\\r\\n")
        except OSError:
            s.close()
            break
        held[s.fileno()] = s
        poll.register(s, select.POLLIN)
    time.sleep(0.02)
`;
  await host.write('/srv/clients.py', program);
  await host.runService('clients', ['python3', '/srv/clients.py']);
}

export const logged = async (host: LabHost, text: string, path = '/var/log/nginx/error.log'): Promise<void> => {
  await host.until(`"${text}" in the log`, async () => (await host.read(path)).includes(text));
};

export default [
  defineScenario({
    name: 'nginx-worker-connections-exhausted',
    title: 'Somebody lowered worker_connections; forty clients use them all up',
    kind: 'fault',
    fault: 'nginx-worker-connections-exhausted',
    setUp: async host => {
      await gunicorn(host, { name: 'forum', code: wsgiApp('forum'), bind: '127.0.0.1:8555' });
      await nginxSite(host, { name: 'forum', server: 'location / { proxy_pass http://127.0.0.1:8555; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, '/etc/nginx/nginx.conf', 'worker_connections 768', 'worker_connections 24');
      await reloadNginx(host);
      await idleClients(host, 60);
    },
    traffic: { rps: 10, timeoutMs: 3000 },
    trafficMs: 2500,
    symptom: host => logged(host, 'worker_connections are not enough'),
    expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', notFindings: ['worker-pool-exhausted', 'fd-limit-nginx'] },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'nginx-worker-connections-exhausted-twin-files',
    title: 'The same clients, and it is the open files that run out',
    kind: 'twin',
    fault: 'fd-limit-nginx',
    twinOf: 'nginx-worker-connections-exhausted',
    setUp: async host => {
      await gunicorn(host, { name: 'forum', code: wsgiApp('forum'), bind: '127.0.0.1:8555' });
      await nginxSite(host, { name: 'forum', server: 'location / { proxy_pass http://127.0.0.1:8555; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, '/etc/nginx/nginx.conf', 'events {', 'worker_rlimit_nofile 32;\nevents {');
      await reloadNginx(host);
      await idleClients(host, 80);
    },
    traffic: { rps: 10, timeoutMs: 3000 },
    trafficMs: 2500,
    symptom: host => logged(host, '(24: Too many open files)'),
    expect: { verdict: 'failing', status: 'active' },
  }),
];
