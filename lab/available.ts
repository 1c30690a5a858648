import { existsSync } from 'node:fs';
import { run } from './process.ts';
import { PHP_VERSION } from './servers/php-fpm.ts';
import { PM2_PROGRAM } from './servers/pm2.ts';

const PROGRAMS: Readonly<Record<string, string>> = {
  '/usr/bin/systemd-nspawn': 'systemd-container',
  '/usr/sbin/nginx': 'nginx',
  [`/usr/sbin/php-fpm${PHP_VERSION}`]: 'php-fpm',
  '/usr/bin/gunicorn': 'gunicorn',
  '/usr/bin/uwsgi': 'uwsgi-core uwsgi-plugin-python3',
  '/usr/sbin/apache2': 'apache2',
  '/usr/sbin/haproxy': 'haproxy',
  '/usr/bin/caddy': 'caddy',
  '/usr/sbin/varnishd': 'varnish',
  '/usr/sbin/iptables': 'iptables',
  '/usr/sbin/nft': 'nftables',
  '/usr/sbin/dnsmasq': 'dnsmasq',
  '/usr/share/tomcat10/bin/catalina.sh': 'tomcat10',
  '/usr/bin/curl': 'curl',
  '/usr/bin/openssl': 'openssl',
  '/usr/sbin/ip': 'iproute2',
  '/usr/bin/dbus-daemon': 'dbus',
  '/usr/bin/supervisord': 'supervisor',
};

/** Why the lab cannot run here, each reason a sentence with what to do; empty where it can. */
export async function labObstacles(): Promise<string[]> {
  if (process.env['BADHOP_LAB'] === '0') return ['The lab is switched off by BADHOP_LAB=0.'];
  if (process.platform !== 'linux') return ['The lab needs Linux.'];
  const obstacles: string[] = [];
  if (process.getuid?.() !== 0) obstacles.push('The lab needs root: run it with sudo.');
  const missing = Object.entries(PROGRAMS).flatMap(([path, name]) => (existsSync(path) ? [] : name.split(' ')));
  if (missing.length > 0) obstacles.push(`The lab needs Debian packages: apt-get install -y ${[...new Set(missing)].join(' ')}`);
  if (!existsSync(PM2_PROGRAM)) obstacles.push('The lab needs PM2 in .lab/pm2, which `npm test` installs from the npm registry.');
  if (obstacles.length > 0) return obstacles;
  const script =
    'd=$(mktemp -d) && mount -t tmpfs lab "$d" && mkdir "$d/u" "$d/w" "$d/r" && mount -t overlay -o "lowerdir=/,upperdir=$d/u,workdir=$d/w" lab "$d/r"';
  const overlay = await run(['unshare', '--mount', '--net', '--pid', '--fork', 'sh', '-euc', `${script}; umount "$d/r" "$d"; rmdir "$d"`], {
    timeoutMs: 10_000,
  });
  if (overlay.code !== 0) obstacles.push(`This machine does not allow an overlay mount and namespaces: ${overlay.stderr.trim().split('\n')[0]}`);
  return obstacles;
}
