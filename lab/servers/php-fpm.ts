import { existsSync, readdirSync } from 'node:fs';
import type { LabHost } from '../host.ts';
import { waitForListener } from './listening.ts';
import { enable } from './unit.ts';

export interface FpmOptions {
  readonly pool?: string;
  /** A path, `127.0.0.1:9000`, or a port. */
  readonly listen?: string;
  /** Directives of the pool; `pm` and its numbers, `request_terminate_timeout`, … They win over the defaults. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Files below the document root: `{ 'index.php': '<?php …' }`. */
  readonly files?: Readonly<Record<string, string>>;
  readonly root?: string;
  /** More pools beside this one keep Debian's `www`; alone it is removed. */
  readonly keepDefaultPool?: boolean;
}

/** The release that this Debian has: `8.2`. */
export const PHP_VERSION = findVersion();
export const FPM_UNIT = `php${PHP_VERSION}-fpm.service`;
export const FPM_POOLS = `/etc/php/${PHP_VERSION}/fpm/pool.d`;

function findVersion(): string {
  const installed = existsSync('/etc/php') ? readdirSync('/etc/php').filter(version => existsSync(`/etc/php/${version}/fpm`)) : [];
  return installed.sort().at(-1) ?? '8.2';
}

/** Writes a pool and its code and (re)starts Debian's php-fpm. */
export async function phpFpm(host: LabHost, options: FpmOptions = {}): Promise<void> {
  const { pool = 'www', listen = `/run/php/php${PHP_VERSION}-fpm.sock`, settings = {}, files = {}, root = '/var/www/html', keepDefaultPool = false } = options;
  if (pool !== 'www' && !keepDefaultPool) await host.run(['rm', '-f', `${FPM_POOLS}/www.conf`]);
  const directives = {
    user: 'www-data',
    group: 'www-data',
    listen,
    ...(listen.startsWith('/') && { 'listen.owner': 'www-data', 'listen.group': 'www-data' }),
    pm: 'dynamic',
    'pm.max_children': 5,
    ...((settings['pm'] ?? 'dynamic') === 'dynamic' && { 'pm.start_servers': 2, 'pm.min_spare_servers': 1, 'pm.max_spare_servers': 3 }),
    ...settings,
  };
  const lines = Object.entries(directives).map(([key, value]) => `${key} = ${value}\n`);
  await host.write(`${FPM_POOLS}/${pool}.conf`, `[${pool}]\n${lines.join('')}`);
  for (const [name, text] of Object.entries(files)) await host.write(`${root}/${name}`, text);
  await enable(host, FPM_UNIT);
  // A restart also gives a host that has started it already its new pool.
  await host.restart(FPM_UNIT);
  await waitForListener(host, listen);
}
