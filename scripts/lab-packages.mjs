/**
 * What the lab's hosts run: Debian packages, installed on this machine because every lab host is an overlay of it, and PM2, which
 * Debian does not have, in a folder of the repository that every host sees.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { npm, root, run, say } from './setup.mjs';

export const labPackages = [
  'apache2',
  'caddy',
  'curl',
  'dbus',
  'dnsmasq',
  'gunicorn',
  'haproxy',
  'iproute2',
  'iptables',
  'nftables',
  'nginx',
  'openssh-server',
  'openssl',
  'php-cli',
  'php-fpm',
  'procps',
  'puma',
  'python3-flask',
  'python3-uvicorn',
  'supervisor',
  'systemd-container',
  'systemd-sysv',
  'tomcat10',
  'uwsgi-core',
  'uwsgi-plugin-python3',
  'varnish',
];

/** Where the packages of an nginx lie that is newer than the machine's own. Lab hosts see it, and install from it. */
const newerNginxFolder = '/var/cache/badhop-lab/newer-nginx';
/** The release after the one whose nginx the lab runs; what its nginx needs is there in both, but for a new name of OpenSSL's. */
const nextRelease = { of: 'bookworm', name: 'trixie' };
const newerPackages = ['nginx', 'nginx-common'];
const downloadMinutes = 3;

const policyFile = '/usr/sbin/policy-rc.d';
const installMinutes = 15;

/** PM2's versions are pinned in `lab/pm2`; it is installed elsewhere, so that nothing that walks through `lab` meets it. */
const pm2Source = join(root, 'lab/pm2');
const pm2Folder = join(root, '.lab/pm2');

/** Installs PM2 from npm's registry unless it is there in the pinned versions; its install scripts do not run. Returns why it is missing. */
export function ensurePm2() {
  const [wanted, got] = [pm2Source, pm2Folder].map(folder => join(folder, 'package-lock.json'));
  // npm writes the second file when it has installed everything.
  if (existsSync(got) && readFileSync(got, 'utf8') === readFileSync(wanted, 'utf8') && existsSync(join(pm2Folder, 'node_modules/.package-lock.json')))
    return undefined;
  say('Installing PM2 for the lab (npm ci) …');
  try {
    rmSync(pm2Folder, { recursive: true, force: true });
    mkdirSync(pm2Folder, { recursive: true });
    for (const name of ['package.json', 'package-lock.json']) copyFileSync(join(pm2Source, name), join(pm2Folder, name));
    run(...npm('ci', '--prefix', pm2Folder, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'));
    return undefined;
  } catch (error) {
    return `npm could not install PM2: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Installs what is missing where it may. Returns why something is still missing, or `undefined`. */
export function ensureLabPackages() {
  const missing = missingPackages();
  if (missing === undefined) return 'this is no Debian: dpkg-query is not there';
  if (missing.length === 0) return undefined;
  if (process.getuid?.() !== 0) return `not root, and these packages are missing: ${missing.join(' ')}`;
  if (spawnSync('apt-get', ['--version']).status !== 0) return `apt-get does not run, and these packages are missing: ${missing.join(' ')}`;

  say(`Installing ${missing.length} Debian packages for the lab; their services are not started …`);
  const problem = withoutServiceStarts(() => aptGet(['update']) ?? aptGet(['install', '--yes', '--no-install-recommends', ...missing]));
  const still = missingPackages() ?? missing;
  return still.length === 0 ? undefined : `apt-get could not install ${still.join(' ')}: ${problem ?? 'no error was given'}`;
}

/** Fetches the nginx of the next Debian release, once. Nothing is installed on this machine. Returns why it is not there, or `undefined`. */
export function ensureNewerNginx() {
  if (existsSync(newerNginxFolder) && newerPackages.every(name => readdirSync(newerNginxFolder).some(file => file.startsWith(`${name}_`)))) return undefined;
  if (process.getuid?.() !== 0) return 'not root, and the newer nginx is missing';
  const targets = spawnSync('apt-get', ['indextargets', '--format', '$(CODENAME) $(REPO_URI)', 'Created-By: Packages'], { encoding: 'utf8' });
  if (targets.status !== 0) return 'apt-get does not run, and the newer nginx is missing';
  const mirror = targets.stdout
    .split('\n')
    .find(line => line.startsWith(`${nextRelease.of} `) && /\/debian\/?$/.test(line))
    ?.split(' ')[1];
  if (mirror === undefined) return `the newer nginx is that of Debian ${nextRelease.name}, and the machine's packages are not those of ${nextRelease.of}`;

  say(`Fetching nginx of Debian ${nextRelease.name} for the lab …`);
  const work = mkdtempSync(join(tmpdir(), 'badhop-nginx-'));
  try {
    mkdirSync(join(work, 'lists/partial'), { recursive: true });
    mkdirSync(join(work, 'packages'));
    const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
    writeFileSync(join(work, 'sources.list'), `deb ${existsSync(keyring) ? `[signed-by=${keyring}] ` : ''}${mirror} ${nextRelease.name} main\n`);
    const own = [
      `Dir::State::lists=${work}/lists`,
      `Dir::Cache=${work}`,
      `Dir::Etc::sourcelist=${work}/sources.list`,
      'Dir::Etc::sourceparts=/dev/null',
      'Acquire::Languages=none',
      'APT::Sandbox::User=root',
      'Acquire::http::Timeout=20',
    ].flatMap(option => ['-o', option]);
    const limit = { minutes: downloadMinutes, cwd: join(work, 'packages') };
    const problem = aptGet([...own, 'update'], limit) ?? aptGet([...own, 'download', ...newerPackages], limit);
    if (problem !== undefined) return `nginx of Debian ${nextRelease.name} could not be fetched: ${problem}`;
    mkdirSync(newerNginxFolder, { recursive: true });
    // Copied under another name first: a package that is there is whole.
    for (const file of readdirSync(limit.cwd)) {
      copyFileSync(join(limit.cwd, file), join(newerNginxFolder, `.${file}`));
      renameSync(join(newerNginxFolder, `.${file}`), join(newerNginxFolder, file));
    }
    return undefined;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function missingPackages() {
  const listed = spawnSync('dpkg-query', ['--show', '--showformat', '${Package} ${db:Status-Status}\n'], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (listed.status !== 0) return undefined;
  const installed = listed.stdout.split('\n').flatMap(line => (line.endsWith(' installed') ? [line.slice(0, -' installed'.length)] : []));
  return labPackages.filter(name => !installed.some(candidate => provides(candidate, name)));
}

/** `php-fpm` is an empty package that pulls in the release's own, e.g. `php8.2-fpm`. */
function provides(candidate, name) {
  return candidate === name || (name.startsWith('php-') && candidate.replace(/^php\d+\.\d+-/, 'php-') === name);
}

function aptGet(args, { minutes = installMinutes, cwd } = {}) {
  const result = spawnSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...args], {
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
    maxBuffer: 64 * 1024 * 1024,
    timeout: minutes * 60_000,
    ...(cwd === undefined ? {} : { cwd }),
  });
  if (result.status === 0) return undefined;
  return `${result.error?.message ?? ''}${result.stderr ?? ''}`.trim().split('\n').slice(-3).join(' | ');
}

/** Debian's own way to install a service without starting it: policy-rc.d answers 101, "forbidden". */
function withoutServiceStarts(action) {
  const ours = !existsSync(policyFile);
  if (ours) writeFileSync(policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return action();
  } finally {
    if (ours) rmSync(policyFile, { force: true });
  }
}
