import type { NginxInstance } from './facts/nginx.ts';

/** Packaged units have a reload command; one that an administrator wrote may have none, and then the master is told itself. */
const packagedUnits: ReadonlySet<string> = new Set(['nginx.service', 'openresty.service', 'angie.service']);

/** `nginx -t` for the configuration that this instance runs with. */
export function testCommand(instance: NginxInstance): readonly string[] {
  const globals = instance.globalDirectives === '' ? [] : ['-g', instance.globalDirectives];
  return [instance.binary, '-t', '-p', `${instance.prefix.replace(/\/$/, '')}/`, '-c', instance.configPath, ...globals];
}

/** Makes the running master load the configuration from disk; undefined where no master is known. */
export function reloadCommand(instance: NginxInstance): readonly string[] | undefined {
  if (!instance.running || instance.masterPid === undefined) return undefined;
  if (instance.unit !== undefined && packagedUnits.has(instance.unit)) return ['systemctl', 'reload', instance.unit];
  return ['kill', '-HUP', String(instance.masterPid)];
}

/** An argv as a person types it. */
export function shellLine(argv: readonly string[]): string {
  return argv.map(word => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`)).join(' ');
}

/**
 * When the workers that take requests began, which is when the configuration was last loaded. One that crashed and was
 * replaced has the old configuration and a later start, so the earliest counts. Undefined where no worker is known.
 */
export function loadedMs(instance: NginxInstance): number | undefined {
  const starts = instance.workers.filter(worker => !worker.shuttingDown && worker.startMs > 0).map(worker => worker.startMs);
  if (starts.length > 0) return Math.min(...starts);
  return instance.startMs;
}
