import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

const url = 'http://127.0.0.1:8070/in/batch';
const post = { urls: [url], method: 'POST', body: 'x'.repeat(90_000) };

const accepts = async (host: LabHost): Promise<void> => {
  const { counts } = await host.request(post);
  if (!counts['200']) throw new Error(`no 200 but ${JSON.stringify(counts)}`);
};

const refuses = async (host: LabHost): Promise<void> => {
  const { counts } = await host.request(post);
  if (!counts['500']) throw new Error(`no 500 but ${JSON.stringify(counts)}`);
};

const intake = async (host: LabHost): Promise<void> => {
  const taking = nodeHttp("request.resume(); request.on('end', () => response.end('taken\\n'));");
  await nodeApp(host, { name: 'intake', code: taking, listen: '127.0.0.1:9340' });
  await nginxSite(host, { name: 'intake', listen: '8070', serverName: 'intake.example', server: 'location / { proxy_pass http://127.0.0.1:9340; }' });
  await startNginx(host);
};

export default [
  defineScenario({
    name: 'temp-path-permission',
    title: 'Somebody hardened /var/lib/nginx: the workers cannot pass it any more, and large bodies fail',
    kind: 'fault',
    fault: 'temp-path-permission',
    url,
    setUp: intake,
    healthy: accepts,
    breakIt: async host => {
      await host.run(['chmod', '700', '/var/lib/nginx']);
    },
    traffic: { ...post, rps: 6 },
    symptom: refuses,
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      evidence: ['13: Permission denied', 'drwx------ root:root /var/lib/nginx'],
      subject: { id: '/var/lib/nginx' },
    },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'temp-path-permission-read-only',
    title: 'The file system of the temporary files was mounted read-only: the modes of the folders are as they should be',
    kind: 'fault',
    fault: 'temp-path-permission',
    url,
    setUp: intake,
    healthy: accepts,
    breakIt: async host => {
      await host.shell('mount --bind /var/lib/nginx /var/lib/nginx && mount -o remount,bind,ro /var/lib/nginx');
    },
    traffic: { ...post, rps: 6 },
    symptom: refuses,
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      evidence: ['30: Read-only file system'],
      notFindings: ['disk-full'],
    },
    repair: async host => {
      await host.run(['umount', '/var/lib/nginx']);
    },
  }),
  defineScenario({
    name: 'temp-path-permission-twin-socket',
    title: 'The same error number, but it is the socket that the workers may not use',
    kind: 'twin',
    fault: 'socket-permission-denied',
    twinOf: 'temp-path-permission',
    setUp: async host => {
      await gunicorn(host, { name: 'notes', code: wsgiApp('notes'), bind: 'unix:/run/notes/notes.sock' });
      await nginxSite(host, { name: 'notes', server: 'location / { proxy_pass http://unix:/run/notes/notes.sock; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.run(['chown', 'root:root', '/run/notes/notes.sock']);
      await host.run(['chmod', '600', '/run/notes/notes.sock']);
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
    repair: async host => {
      await host.run(['chmod', '666', '/run/notes/notes.sock']);
    },
  }),
];
