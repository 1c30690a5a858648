import type { SystemdUnit } from '../../model/facts/system.ts';

/** Units of the system itself, never a backend. Units whose names start so are left out unless they failed. */
const SYSTEM_PREFIXES = (
  'systemd- dbus getty console-getty container-getty serial-getty autovt user@ user-runtime-dir@ modprobe@ initrd- plymouth e2scrub apt- dpkg- ' +
  'cryptdisks keyboard-setup console-setup kmod networking ifup@ NetworkManager wpa_supplicant polkit udisks2 snapd rsyslog syslog cron atd ' +
  'ssh sshd rescue emergency debug-shell quotaon rc- rc. rcS. fstrim man-db procps hwclock x11-common sudo pam_namespace packagekit ' +
  'phpsessionclean logrotate unattended-upgrades ldconfig blk-availability lvm2 dm-event multipath mdadm mdmonitor iscsi open-iscsi ' +
  'cloud- chrony ntp auditd apparmor ufw firewalld nftables netfilter irqbalance acpid rpc nfs- portmap bluetooth ModemManager thermald ' +
  'accounts-daemon colord upower fwupd motd-news secureboot grub kdump crond tuned sssd pg_ tmp. display-manager gdm'
).split(' ');

/** Names of programs that serve requests or that backends lean on. */
const SERVER_WORDS =
  /nginx|openresty|tengine|angie|php.{0,4}-?fpm|gunicorn|uwsgi|uvicorn|hypercorn|daphne|waitress|tomcat|catalina|jetty|java|wildfly|node|npm|pm2|deno|bun|puma|unicorn|passenger|thin|rails|python|flask|django|perl|starman|plackup|apache|httpd|lighttpd|caddy|haproxy|varnish|envoy|traefik|dotnet|kestrel|mysql|mariadb|postgres|redis|memcached|mongo|rabbitmq|elastic|docker|podman|serve|server|http|api|app|web|www/i;

/** True for units of the operating system that no request depends on. */
export function isSystemUnit(name: string): boolean {
  return SYSTEM_PREFIXES.some(prefix => name.startsWith(prefix));
}

/** True where the state alone says that something is wrong. */
export function isTroubled(active: string, sub: string): boolean {
  return active === 'failed' || active === 'activating' || active === 'deactivating' || active === 'maintenance' || sub.includes('auto-restart');
}

/** Whether a unit belongs into the fact: what runs, what is in trouble, and what is stopped but may be a backend. */
export function isWorthKnowing(unit: SystemdUnit, running: ReadonlySet<string>): boolean {
  if (unit.loadState === 'not-found' || unit.loadState === 'masked') return running.has(unit.name) || isTroubled(unit.activeState, unit.subState);
  if (running.has(unit.name) || isTroubled(unit.activeState, unit.subState)) return true;
  if (isSystemUnit(unit.name)) return false;
  if (unit.execStart === undefined) return false;
  const path = unit.fragmentPath ?? '';
  const local = path.startsWith('/etc/systemd/') || path.startsWith('/run/systemd/') || path.startsWith('/usr/local/');
  const oneshot = unit.type === 'oneshot';
  if (unit.activeState === 'active') return !oneshot || local;
  if (oneshot) return false;
  return local || unit.unitFileState === 'enabled' || SERVER_WORDS.test(unit.name) || SERVER_WORDS.test(unit.execStart);
}

/** Smaller numbers first: the units whose journal tells most. */
export function journalRank(unit: SystemdUnit, running: ReadonlySet<string>): number {
  if (isTroubled(unit.activeState, unit.subState)) return isSystemUnit(unit.name) ? 4 : 0;
  if (unit.activeState !== 'active' && unit.inactiveEnterMs !== undefined) return 1;
  if (unit.restarts > 0) return 1;
  if (running.has(unit.name)) return 2;
  return unit.activeState === 'active' ? 3 : 5;
}
