import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import type { RunBadhop } from '../badhop.ts';
import { fastcgiPass, nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { FPM_POOLS, phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

/** Plans that badhop carries out itself under running requests, and takes back: files, owner and mode must be as they were. */
const STATE = '/var/lib/badhop';

function expectThat(isSo: boolean, what: string): void {
  if (!isSo) throw new Error(what);
}

interface Result {
  readonly outcome: string;
  readonly why?: string;
  readonly diff?: string;
}

function resultOf(stdout: string): Result | undefined {
  const report = JSON.parse(stdout) as { readonly result?: Result; readonly results?: readonly { readonly result: Result }[] };
  return report.result ?? report.results?.at(-1)?.result;
}

async function fix(
  badhop: RunBadhop,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly result: Result | undefined; readonly stderr: string }> {
  const { exitCode, stdout, stderr } = await badhop([...args, '--format', 'json'], { timeoutMs: 240_000 });
  return { code: exitCode, result: resultOf(stdout), stderr };
}

async function setUpLinked(host: LabHost): Promise<void> {
  await gunicorn(host, { name: 'ledger', code: wsgiApp('ledger'), bind: '127.0.0.1:8133' });
  await nginxSite(host, { name: 'ledger', listen: '8134', server: 'location / { proxy_pass http://127.0.0.1:8133; }' });
  // The site is a link, and the file behind it has a second name, an owner and a mode of its own.
  await host.shell(
    'mv /etc/nginx/sites-enabled/ledger.conf /etc/nginx/sites-available/ledger && ln -s ../sites-available/ledger /etc/nginx/sites-enabled/ledger.conf && ln /etc/nginx/sites-available/ledger /srv/ledger.copy && chown www-data:adm /etc/nginx/sites-available/ledger && chmod 640 /etc/nginx/sites-available/ledger',
  );
  await startNginx(host);
}

async function breakLinked(host: LabHost): Promise<void> {
  await host.shell(
    'sed "s/127.0.0.1:8133/127.0.0.1:813/" /srv/ledger.copy > /tmp/ledger.next && cat /tmp/ledger.next > /srv/ledger.copy && rm /tmp/ledger.next',
  );
  await reloadNginx(host);
}

async function mendLinked(host: LabHost): Promise<void> {
  await host.shell(
    'sed "s/127.0.0.1:813;/127.0.0.1:8133;/" /srv/ledger.copy > /tmp/ledger.next && cat /tmp/ledger.next > /srv/ledger.copy && rm /tmp/ledger.next',
  );
  await reloadNginx(host);
}

/** Starts a change, and kills badhop once nothing is left but to see whether it helps. */
async function killWhileItWatches(host: LabHost, badhop: RunBadhop): Promise<void> {
  const [, killed] = await Promise.all([
    (async () => {
      await host.until(
        'the change to be watched',
        async () => (await host.exec(['grep', '-q', 'verifying', '-r', `${STATE}/changes/open`])).code === 0,
        60_000,
      );
      await host.exec(['pkill', '-9', '-f', 'fix --apply --settle 60']);
    })(),
    badhop(['fix', '--apply', '--settle', '60', '--format', 'json'], { timeoutMs: 120_000 }),
  ]);
  expectThat(killed.exitCode !== 0, 'it was not killed');
}

const fullPool = {
  url: 'http://127.0.0.1:8137/slow.php',
  fails: 504,
  setUp: async (host: LabHost): Promise<void> => {
    await phpFpm(host, {
      pool: 'annex',
      listen: '/run/php/annex.sock',
      root: '/srv/annex',
      settings: { pm: 'static', 'pm.max_children': '2' },
      files: { 'slow.php': '<?php usleep(200000); echo "annex\\n";' },
    });
    await nginxSite(host, {
      name: 'annex',
      listen: '8137',
      server: `${fastcgiPass('unix:/run/php/annex.sock', '/srv/annex')}\nfastcgi_read_timeout 400ms;`,
      log: 'timed',
    });
    await startNginx(host);
  },
  // A fifth more than the pool can do: the longer its queue, the longer whatever badhop asks it waits there too.
  traffic: { rps: 12, concurrency: 60 },
  trafficMs: 1200,
} as const;

export default [
  defineScenario({
    name: 'fix-apply-address',
    title: 'A site behind a link, whose file has two names, asks a port that has lost a digit; badhop corrects it in place',
    kind: 'fault',
    fault: 'address-mismatch',
    url: 'http://127.0.0.1:8134/',
    setUp: setUpLinked,
    breakIt: breakLinked,
    traffic: { rps: 15 },
    trafficMs: 700,
    // All of it happens within a second or two, which is what the access log tells apart.
    expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active' },
    fix: 'first-plan',
    applies: true,
    settle: 1,
    afterFix: async host => {
      const names = await host.shell(
        'stat -c "%h %U:%G %a" /etc/nginx/sites-available/ledger; readlink /etc/nginx/sites-enabled/ledger.conf; grep -c 8133 /srv/ledger.copy',
      );
      expectThat(names === '2 www-data:adm 640\n../sites-available/ledger\n1\n', `links or owner were lost: ${names}`);
    },
  }),
  defineScenario({
    name: 'fix-apply-killed',
    title: 'badhop is killed while it watches; the next one takes the change back, whatever it was started for',
    kind: 'fault',
    fault: 'address-mismatch',
    url: 'http://127.0.0.1:8134/',
    setUp: setUpLinked,
    breakIt: breakLinked,
    expect: { verdict: 'failing', status: 'active' },
    also: async (host, badhop) => {
      const before = await host.shell('sha256sum /srv/ledger.copy');
      await killWhileItWatches(host, badhop);
      expectThat((await host.shell('sha256sum /srv/ledger.copy')) !== before, 'it was killed before it had changed anything');
      const next = await badhop(['explain', 'address-mismatch']);
      expectThat(next.stderr.includes('has been taken back'), `the next run does not tell: ${next.stderr}`);
      expectThat((await host.shell('sha256sum /srv/ledger.copy')) === before, 'the old bytes are not back');
      await host.run(['nginx', '-t']);
      const left = await host.shell(`ls -A ${STATE}/changes/open; find /etc -name ".badhop-*"; ls ${STATE}`);
      expectThat(left === 'changes\n', `something is left: ${left}`);
    },
    repair: mendLinked,
  }),
  defineScenario({
    name: 'fix-apply-after-a-kill',
    title: 'badhop is killed while it watches; the next one that is to make the change takes it back first, and makes it',
    kind: 'fault',
    fault: 'address-mismatch',
    diagnosedBy: 'fix-apply-killed',
    url: 'http://127.0.0.1:8134/',
    setUp: setUpLinked,
    breakIt: breakLinked,
    traffic: { rps: 15 },
    trafficMs: 600,
    expect: {},
    also: async (host, badhop) => {
      await killWhileItWatches(host, badhop);
      const { code, result, stderr } = await fix(badhop, 'fix', '--apply', '--settle', '1');
      expectThat(stderr.includes('has been taken back'), `it does not tell: ${stderr}`);
      expectThat(code === 0 && result?.outcome === 'applied', `not applied: ${code} ${JSON.stringify(result)} ${stderr}`);
      const history = await badhop(['history', '--format', 'json']);
      const results = [...history.stdout.matchAll(/"result": *"([\w-]+)"/g)].map(match => match[1]);
      expectThat(results.length === 2 && results.includes('applied') && results.includes('rolled-back'), `the history: ${history.stdout}`);
      const mended = await host.shell('grep -c 8133 /srv/ledger.copy');
      expectThat(mended === '1\n', 'the file is not as the plan says');
    },
    repair: () => Promise.resolve(),
  }),
  defineScenario({
    name: 'fix-apply-in-vain',
    title: 'The plan is right and does not help, because the backend answers nobody but badhop; it is taken back',
    kind: 'fault',
    fault: 'address-mismatch',
    url: 'http://127.0.0.1:8136/',
    setUp: async host => {
      const handler = `const torn = require('node:fs').existsSync('/srv/tally/torn') && !String(request.headers['user-agent']).startsWith('badhop');\nif (torn) request.socket.destroy(); else response.end('tally\\n');`;
      await nodeApp(host, { name: 'tally', code: nodeHttp(handler), listen: '127.0.0.1:8135' });
      await nginxSite(host, { name: 'tally', listen: '8136', server: 'location / { proxy_pass http://127.0.0.1:8135; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, '/etc/nginx/sites-enabled/tally.conf', '127.0.0.1:8135', '127.0.0.1:835');
      await reloadNginx(host);
    },
    expect: { verdict: 'failing', status: 'active' },
    also: async (host, badhop) => {
      const before = await host.shell('stat -c "%U:%G %a %i %Y" /etc/nginx/sites-enabled/tally.conf; sha256sum < /etc/nginx/sites-enabled/tally.conf');
      await host.write('/srv/tally/torn', '');
      const { code, result } = await fix(badhop, 'fix', '--apply', '--settle', '1');
      expectThat(code === 1 && result?.outcome === 'rolled-back', `it was not taken back: ${code} ${JSON.stringify(result)}`);
      const after = await host.shell('stat -c "%U:%G %a %i %Y" /etc/nginx/sites-enabled/tally.conf; sha256sum < /etc/nginx/sites-enabled/tally.conf');
      expectThat(after === before, `it is not as it was: ${before} → ${after}`);
      await host.shell('rm /srv/tally/torn');
    },
    repair: async host => {
      await replaceIn(host, '/etc/nginx/sites-enabled/tally.conf', '127.0.0.1:835', '127.0.0.1:8135');
      await reloadNginx(host);
    },
  }),
  defineScenario({
    name: 'fix-apply-undo-refused',
    title: 'Somebody edits the file after badhop did; the undo is refused and shows what they changed',
    kind: 'fault',
    fault: 'address-mismatch',
    url: 'http://127.0.0.1:8134/',
    setUp: setUpLinked,
    breakIt: breakLinked,
    expect: { verdict: 'failing', status: 'active' },
    also: async (host, badhop) => {
      const applied = await fix(badhop, 'fix', '--apply', '--settle', '1');
      expectThat(applied.result?.outcome === 'applied', `not applied: ${JSON.stringify(applied.result)}`);
      await host.shell('echo "# theirs" >> /srv/ledger.copy');
      const { code, result } = await fix(badhop, 'undo');
      expectThat(code === 2 && result?.outcome === 'refused' && result.diff?.includes('+# theirs') === true, `not refused: ${code} ${JSON.stringify(result)}`);
      const history = await badhop(['history']);
      expectThat(history.exitCode === 0 && history.stdout.includes('applied'), `the history: ${history.stdout}`);
    },
    repair: () => Promise.resolve(),
  }),
  defineScenario({
    ...fullPool,
    name: 'fix-apply-pool-asks',
    title: 'A pool of two workers is full; the plan would cut requests off, and nobody says yes',
    kind: 'fault',
    fault: 'worker-pool-exhausted',
    expect: {
      verdict: 'failing',
      status: 'active',
      check: ({ findings }) => (findings[0]?.fixes.some(({ id }) => id === 'raise-worker-count') === true ? [] : ['the pool is not to be made larger']),
    },
    also: async (_host, badhop) => {
      const { code, result } = await fix(badhop, 'fix', '--apply', '--settle', '1');
      expectThat(
        code === 2 && result?.outcome === 'refused' && result.why?.includes('nobody said yes') === true,
        `it did not ask: ${code} ${JSON.stringify(result)}`,
      );
    },
  }),
  defineScenario({
    ...fullPool,
    name: 'fix-apply-pool',
    title: 'A pool of two workers is full; the plan is carried out because it is named, and its file is undone to the byte',
    kind: 'fault',
    fault: 'worker-pool-exhausted',
    diagnosedBy: 'fix-apply-pool-asks',
    // What is read alone has to do for it: the pool answers questions as late as it answers visitors.
    args: ['--no-probe'],
    expect: {},
    fix: { plan: 'raise-worker-count', files: [`${FPM_POOLS}/annex.conf`] },
    applies: true,
    settle: 1,
    looksAtOnce: 4,
  }),
];
