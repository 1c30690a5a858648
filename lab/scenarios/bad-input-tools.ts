import type { RunBadhop } from '../badhop.ts';
import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import type { Scenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

/** A backend that is down while the host lacks its tools, or has tools that misbehave: the answer stays the same. */
const setUp = async (host: LabHost): Promise<void> => {
  await gunicorn(host, { name: 'stock', code: wsgiApp('stock'), bind: '127.0.0.1:8531', workers: 2 });
  await nginxSite(host, { name: 'stock', http: 'upstream stock { server 127.0.0.1:8531; }', server: 'location / { proxy_pass http://stock; }' });
  await startNginx(host);
};

const down = {
  kind: 'fault',
  fault: 'backend-down',
  setUp,
  breakIt: (host: LabHost) => host.systemctl('stop', 'stock'),
  trafficMs: 700,
} as const satisfies Partial<Scenario>;

const bounds = { maxMs: 12_000, maxMiB: 150 } as const;

/** Puts a program of this name before the real one. */
const replaceTool = (host: LabHost, name: string, script: string): Promise<void> =>
  host.write(`/usr/local/sbin/${name}`, `#!/bin/sh\n${script}\n`, { mode: '755' });

const badTools = async (host: LabHost): Promise<void> => {
  await host.systemctl('stop', 'stock');
  const scripts = {
    ss: 'exec yes \'LISTEN 0 4096 0.0.0.0:99999999 nonsense users:(("\\033[2J",pid=-1,fd=x))\'',
    systemctl: 'head -c 3000000 /dev/urandom',
    'iptables-save': 'sleep 4711 & sleep 4711',
    journalctl: 'exec yes "{\\"MESSAGE\\":"',
    getent: 'head -c 30000000 /dev/zero',
    df: 'kill -SEGV $$',
  };
  await Promise.all(Object.entries(scripts).map(([name, script]) => replaceTool(host, name, script)));
};

/** What badhop has started must end with it. */
const expectNoneLeft = async (host: LabHost, pattern: string): Promise<void> => {
  const left = await host.exec(['pgrep', '-af', pattern]);
  if (left.code === 0) throw new Error(`left behind: ${left.stdout}`);
};

const interrupt = async (badhop: RunBadhop, signal: string, code: number): Promise<void> => {
  const run = await badhop(['diagnose'], { wrap: ['timeout', '--foreground', '--preserve-status', '-s', signal, '0.9'] });
  if (run.exitCode !== code) throw new Error(`after ${signal} it ended with ${run.exitCode}, not ${code}: ${run.stderr.slice(0, 500)}`);
  if (run.stdout !== '') throw new Error(`after ${signal} it printed ${run.stdout.slice(0, 200)}`);
  if (run.ms > 2500) throw new Error(`after ${signal} it ended only after ${run.ms} ms`);
};

export default [
  defineScenario({
    ...down,
    name: 'bad-input-no-ss',
    title: 'A backend is down on a host without ss, iptables-save, nft and journalctl',
    host: { hide: ['/usr/bin/ss', '/usr/sbin/iptables-save', '/usr/sbin/nft', '/usr/bin/journalctl', '/usr/bin/dmesg', '/usr/bin/getent'] },
    expect: { ...bounds, verdict: 'failing', firstConfidence: 'confirmed', status: 'active', notChecked: [/journalctl/, /iptables|nft/] },
  }),
  defineScenario({
    ...down,
    name: 'bad-input-no-systemctl',
    title: 'A backend is down on a host whose systemctl is gone',
    breakIt: async host => {
      await host.systemctl('stop', 'stock');
      await host.shell('rm /usr/bin/systemctl');
    },
    expect: { ...bounds, verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', notChecked: [/systemctl/] },
  }),
  defineScenario({
    ...down,
    name: 'bad-input-nginx-not-in-path',
    title: 'A backend is down, and the nginx that runs was deleted from the disk',
    breakIt: async host => {
      await host.systemctl('stop', 'stock');
      await host.shell('rm /usr/sbin/nginx');
    },
    expect: { ...bounds, verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
  }),
  defineScenario({
    ...down,
    name: 'bad-input-endless-tools',
    title: 'A backend is down; ss writes without end, systemctl writes rubbish, iptables-save never ends',
    breakIt: badTools,
    expect: {
      ...bounds,
      maxMiB: 240,
      verdict: ['failing', 'inconclusive'],
      status: 'active',
      notChecked: [/systemctl/, /journalctl/, /iptables-save/, /\bss\b/],
    },
    also: host => expectNoneLeft(host, 'sleep 4711|/usr/bin/yes'),
  }),
  defineScenario({
    ...down,
    name: 'bad-input-interrupted',
    title: 'badhop is told to end while it waits for such tools; it takes them with it',
    breakIt: badTools,
    diagnosedBy: 'bad-input-endless-tools',
    expect: {},
    also: async (host, badhop) => {
      await Promise.all([interrupt(badhop, 'INT', 130), interrupt(badhop, 'TERM', 143)]);
      await expectNoneLeft(host, 'sleep 4711|/usr/bin/yes');
    },
  }),
  defineScenario({
    ...down,
    name: 'bad-input-slow-nginx-t',
    title: 'A backend is down, and `nginx -t` waits for a name server that never answers',
    breakIt: async host => {
      await host.systemctl('stop', 'stock');
      await host.write(
        '/srv/mute/mute.py',
        'import socket, time\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind(("127.0.0.1", 53))\ntime.sleep(9999)\n',
      );
      await host.runService('mute', ['/usr/bin/python3', '/srv/mute/mute.py']);
      await host.write('/etc/resolv.conf', 'nameserver 127.0.0.1\n');
      await host.write('/etc/nginx/conf.d/later.conf', ['a', 'b', 'c', 'd'].map(name => `upstream ${name} { server ${name}.shop.example; }\n`).join(''));
    },
    // badhop waits six seconds for nginx: what is before it is short.
    trafficMs: 400,
    traffic: { rps: 30 },
    expect: {
      ...bounds,
      maxMs: 16_000,
      verdict: 'failing',
      status: 'active',
      findings: [{ fault: 'backend-down', confidence: 'confirmed', status: 'active' }],
      notChecked: [/nginx -t took longer than/],
    },
    also: host => expectNoneLeft(host, 'nginx -[tT]'),
  }),
  defineScenario({
    ...down,
    name: 'bad-input-many-at-once',
    title: 'A backend is down, and six people run badhop at once; another reads no further than the first line',
    expect: { ...bounds, verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
    also: async (_, badhop) => {
      const reads = badhop(['diagnose', '--format', 'json', '--verbose'], { wrap: ['sh', '-c', '"$@" | head -c 1; exit 0', 'sh'] });
      const runs = await Promise.all(Array.from({ length: 6 }, () => badhop(['diagnose', '--format', 'json'])));
      const wrong = runs.filter(({ exitCode, report }) => exitCode !== 1 || report?.findings[0]?.fault !== 'backend-down' || report.internalErrors.length > 0);
      if (wrong.length > 0)
        throw new Error(`${wrong.length} of 6 say something else: ${wrong[0]?.exitCode} ${wrong[0]?.report?.summary} ${wrong[0]?.stderr.slice(0, 500)}`);
      const closed = await reads;
      if (closed.stderr.trim() !== '') throw new Error(`with stdout closed it said ${closed.stderr}`);
    },
  }),
];
