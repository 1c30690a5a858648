import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

const setUp = async (host: LabHost): Promise<void> => {
  await gunicorn(host, { name: 'upload', code: wsgiApp('upload'), bind: '127.0.0.1:8622' });
  await nginxSite(host, { name: 'upload', server: 'location / { proxy_pass http://127.0.0.1:8622; }', log: 'timed', logs: 'own' });
  await startNginx(host);
  await host.shell('head -c 200000 /dev/zero > /srv/photo.bin');
};

/** Somebody sends photographs all the time. */
const uploads = (host: LabHost): Promise<void> =>
  host.runService('photographers', ['sh', '-c', 'for n in $(seq 200); do curl -so /dev/null --data-binary @/srv/photo.bin http://127.0.0.1/; sleep 0.2; done']);

const logged = (host: LabHost, text: string): Promise<void> =>
  host.until(`"${text}" in the log`, async () => (await host.read('/var/log/nginx/upload.error.log')).includes(text));

export default [
  defineScenario({
    name: 'disk-full',
    title: 'The small file system under client_body_temp is full, so that uploads fail and pages do not',
    kind: 'fault',
    fault: 'disk-full',
    setUp,
    breakIt: async host => {
      await host.run(['mount', '-t', 'tmpfs', '-o', 'size=2m', 'uploads', '/var/lib/nginx/body']);
      await host.shell('chmod 777 /var/lib/nginx/body; head -c 9000000 /dev/zero > /var/lib/nginx/body/left-over || true');
      await uploads(host);
    },
    trafficMs: 2500,
    symptom: host => logged(host, '(28: No space left on device)'),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', notFindings: ['backend-down', 'app-returned-5xx'] },
    repair: host => host.run(['rm', '/var/lib/nginx/body/left-over']).then(() => {}),
  }),
  defineScenario({
    name: 'disk-full-inodes',
    title: 'The file system under client_body_temp has room and not one inode left; another one is full and not in use',
    kind: 'fault',
    fault: 'disk-full',
    setUp: async host => {
      await setUp(host);
      await host.run(['mkdir', '-p', '/var/backups']);
      await host.run(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'backups', '/var/backups']);
      await host.shell('head -c 9000000 /dev/zero > /var/backups/dump || true');
    },
    breakIt: async host => {
      await host.run(['mount', '-t', 'tmpfs', '-o', 'size=64m,nr_inodes=60', 'uploads', '/var/lib/nginx/body']);
      await host.shell('chmod 777 /var/lib/nginx/body; cd /var/lib/nginx/body; seq 80 | sed s,^,session-, | xargs touch 2>/dev/null || true');
      await uploads(host);
    },
    trafficMs: 1500,
    symptom: host => logged(host, '(28: No space left on device)'),
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      subject: { name: '/var/lib/nginx/body' },
      evidence: ['0 of 60 inodes free'],
      notFindings: ['backend-down', 'temp-path-permission'],
    },
    repair: host => host.shell('rm /var/lib/nginx/body/session-*').then(() => {}),
  }),
  defineScenario({
    name: 'disk-full-twin-down',
    title: 'Another file system is full, that of the backups; the backend is stopped',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'disk-full',
    setUp: async host => {
      await setUp(host);
      await host.run(['mkdir', '-p', '/var/backups']);
      await host.run(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'backups', '/var/backups']);
      await host.shell('head -c 9000000 /dev/zero > /var/backups/dump || true');
    },
    breakIt: host => host.systemctl('stop', 'upload'),
    expect: { verdict: 'failing', status: 'active' },
  }),
];
