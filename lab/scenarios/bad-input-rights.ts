import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import type { Scenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

/** What a person may not read, and places where badhop can hardly run. */
const setUp = async (host: LabHost): Promise<void> => {
  await gunicorn(host, { name: 'vault', code: wsgiApp('vault'), bind: '127.0.0.1:8933', workers: 2 });
  await nginxSite(host, { name: 'vault', http: 'upstream vault { server 127.0.0.1:8933; }', server: 'location / { proxy_pass http://vault; }' });
  await startNginx(host);
};

const bounds = { maxMs: 12_000, maxMiB: 150 } as const;
const stop = (host: LabHost): Promise<void> => host.systemctl('stop', 'vault');
const down = { kind: 'fault', fault: 'backend-down', setUp, breakIt: stop, trafficMs: 700 } as const satisfies Partial<Scenario>;

export default [
  defineScenario({
    ...down,
    name: 'bad-input-nobody',
    title: 'A backend is down, and user nobody asks, who may read neither the logs nor the configuration of the site',
    breakIt: async host => {
      await stop(host);
      await host.shell('chmod 600 /var/log/nginx/*.log /etc/nginx/sites-enabled/vault.conf; chmod 700 /var/log/nginx');
    },
    runAs: 'nobody',
    expect: {
      ...bounds,
      first: undefined as never,
      verdict: ['failing', 'inconclusive'],
      notChecked: [/vault\.conf.*(?:root|permission)/i, /error\.log.*(?:root|permission)/i, /firewall.*root/i, /nginx -[tT].*root/i],
    },
  }),
  defineScenario({
    ...down,
    name: 'bad-input-nobody-knows',
    title: 'A backend is down, and user nobody asks, who may read the configuration and not the logs',
    runAs: 'nobody',
    expect: { ...bounds, verdict: 'failing', status: 'active', notChecked: [/error\.log.*(?:root|permission)/i] },
    breakIt: async host => {
      await stop(host);
      await host.shell('chmod 700 /var/log/nginx');
    },
  }),
  defineScenario({
    ...down,
    name: 'bad-input-mode-000',
    title: 'A backend is down; root without its power to read everything asks (mode 000)',
    breakIt: async host => {
      await stop(host);
      await host.shell('chmod 000 /var/log/nginx/*.log /etc/nginx/nginx.conf /etc/hosts /etc/passwd; chmod 000 /srv/vault');
    },
    run: { wrap: ['setpriv', '--bounding-set', '-dac_override,-dac_read_search', '--inh-caps', '-dac_override,-dac_read_search', '--'] },
    expect: { ...bounds, first: undefined as never, verdict: ['failing', 'inconclusive'], notChecked: [/nginx\.conf/] },
  }),
  defineScenario({
    ...down,
    name: 'bad-input-full-disk',
    title: 'A backend is down, and the disk is full to the last byte',
    host: { diskBytes: 64 << 20 },
    traffic: false,
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'], count: 5 });
      if (counts['502'] !== 5) throw new Error(JSON.stringify(counts));
      const out = await host.exec(['sh', '-c', 'head -c 200000000 /dev/zero > /var/filler; echo x > /var/more']);
      if (!out.stderr.includes('No space left')) throw new Error('the disk is not full');
    },
    expect: { ...bounds, verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
    also: async (_, badhop) => {
      const run = await badhop(['collect', '--out', '/var/bundle']);
      if (run.exitCode !== 2 || !/no space|ENOSPC/i.test(run.stderr)) throw new Error(`collect on a full disk: ${run.exitCode} ${run.stderr.slice(0, 600)}`);
      if (/^\s+at /m.test(run.stderr)) throw new Error(run.stderr);
      const full = await badhop(['diagnose'], { wrap: ['sh', '-c', '"$@" > /dev/full', 'sh'] });
      if (full.exitCode !== 2 || !/no space|ENOSPC/i.test(full.stderr)) throw new Error(`stdout on a full disk: ${full.exitCode} ${full.stderr.slice(0, 600)}`);
    },
  }),
  defineScenario({
    ...down,
    name: 'bad-input-read-only-root',
    title: 'A backend is down; the whole file system is read-only where badhop runs, and its working folder is gone',
    run: {
      wrap: [
        'unshare',
        '--mount',
        'sh',
        '-c',
        'mount -o remount,bind,ro / 2>/dev/null || mount -o remount,ro /; mkdir -p /dev/shm/gone && cd /dev/shm/gone && rmdir /dev/shm/gone && ! touch /var/x 2>/dev/null && exec "$@"',
        'sh',
      ],
    },
    expect: { ...bounds, verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
  }),
  defineScenario({
    ...down,
    name: 'bad-input-no-systemd',
    title: 'nginx and its backend were started by hand in a place of their own without systemd, and the backend was killed',
    setUp: async host => {
      await setUp(host);
      await host.systemctl('stop', 'nginx', 'vault');
      // Its pid 1 is a plain shell, as in a container; neither systemd's nor D-Bus' sockets are there.
      await host.write(
        '/srv/cell/init',
        '#!/bin/sh\nmount -t tmpfs none /run/systemd\nmount -t tmpfs none /run/dbus\ncd /\nnginx\n( cd /srv/vault; exec gunicorn --bind 127.0.0.1:8933 --workers 2 app:app ) &\nsleep 3600 & wait $!\n',
        { mode: '755' },
      );
      await host.runService('cell', ['/usr/bin/unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '/srv/cell/init']);
      await host.until('nginx to serve', async () => ((await host.request({ urls: ['http://127.0.0.1/'] })).counts['200'] ?? 0) > 0);
      await host.shell('pgrep -f "^sleep 3600" | head -1 > /run/cell.pid');
    },
    breakIt: async host => {
      await host.shell('pkill -9 -f "[g]unicorn --bind 127.0.0.1:8933"');
    },
    run: { wrap: ['sh', '-c', 'exec nsenter -t "$(cat /run/cell.pid)" -m -p -- "$@"', 'sh'] },
    expect: {
      ...bounds,
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      check: ({ host }) => (host.nginx.length === 1 ? [] : [`nginx: ${host.nginx.join()}`]),
    },
  }),
  defineScenario({
    ...down,
    name: 'bad-input-many-processes',
    title: 'A backend is down on a host with 2,000 processes',
    breakIt: async host => {
      await stop(host);
      await host.runService(
        'crowd',
        ['/usr/bin/perl', '-e', 'for (1..2000) { my $pid = fork; redo unless defined $pid; next if $pid; sleep 3600; exit } wait'],
        { properties: { TasksMax: '4000' } },
      );
      await host.shell('until [ "$(ls /proc | grep -c "^[0-9]")" -gt 2000 ]; do sleep 0.2; done', [], { timeoutMs: 40_000 });
    },
    expect: { ...bounds, verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
  }),
];
