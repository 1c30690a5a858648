/**
 * php-fpm configuration, one file at a time: php-fpm.conf and pool.d/*.conf.
 * Source: php-src 8.2 sapi/fpm/fpm/fpm_conf.c and fpm_sockets.c. Sample:
 *
 *   [www]
 *   user = www-data
 *   listen = /run/php/php8.2-fpm.sock
 *   pm.max_children = 5
 *   include = /etc/php/8.2/fpm/pool.d/*.conf
 */
import type { Address } from '../model/host.ts';
import { parseIni } from './ini.ts';
import { parseListenAddress, parsePort } from './listen-address.ts';

/** A setting of the file in its order. `section` is `global`, a pool's name, or empty before the first section. */
export interface PhpFpmSetting {
  readonly section: string;
  readonly key: string;
  readonly value: string;
  readonly line: number;
  readonly text: string;
}

export interface PhpFpmConfigFile {
  readonly settings: readonly PhpFpmSetting[];
  readonly sections: readonly { readonly name: string; readonly line: number }[];
  readonly includes: readonly { readonly pattern: string; readonly line: number; readonly section: string }[];
  readonly problems: readonly { readonly line: number; readonly text: string }[];
}

/** Reads one file. `include` is taken out of the settings; an environment variable (`${X}`) stays as text. */
export function parsePhpFpmConfig(text: string): PhpFpmConfigFile {
  const ini = parseIni(text, 'php');
  const settings: PhpFpmSetting[] = [];
  const includes: { pattern: string; line: number; section: string }[] = [];
  for (const entry of ini.entries) {
    const { section, key, line, text: whole } = entry;
    if (key === 'include') includes.push({ pattern: entry.value, line, section });
    else settings.push({ section, key, value: entry.value, line, text: whole });
  }
  return { settings, sections: ini.sections, includes, problems: ini.problems };
}

/** `listen` of a pool: a port, `host:port`, `[v6]:port` or a path. A relative path is below `prefix`. */
export function parsePhpFpmListen(value: string, prefix?: string): Address | undefined {
  if (value.includes('${')) return undefined;
  const port = parsePort(value);
  if (port !== undefined) return { kind: 'tcp', host: '*', port };
  return parseListenAddress(value.includes(':') || value.startsWith('/') ? value : `./${value}`, prefix === undefined ? {} : { folder: prefix });
}

/** A time of php-fpm (`30`, `30s`, `5m`, `2h`, `1d`) in milliseconds. */
export function parsePhpFpmTimeMs(value: string): number | undefined {
  const match = /^(\d{1,9})([smhd]?)$/.exec(value.trim());
  if (match === null) return undefined;
  const unit = { s: 1, m: 60, h: 3600, d: 86_400, '': 1 }[match[2] ?? ''] ?? 1;
  return Number(match[1]) * unit * 1000;
}

/** The configuration file in the title `php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)`. */
export function phpFpmMasterConfig(title: string): string | undefined {
  const mark = 'php-fpm: master process (';
  if (!title.startsWith(mark)) return undefined;
  const end = title.lastIndexOf(')');
  return end > mark.length ? title.slice(mark.length, end) : undefined;
}

/** The pool in the title `php-fpm: pool www`. */
export function phpFpmWorkerPool(title: string): string | undefined {
  const mark = 'php-fpm: pool ';
  const name = title.startsWith(mark) ? title.slice(mark.length).trim() : '';
  return name === '' ? undefined : name;
}
