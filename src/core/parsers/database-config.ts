/**
 * The limits that a database puts on one statement. Nothing else of these files is kept: they may hold passwords.
 * Sources: PostgreSQL 15 `postgresql.conf.sample` and "Setting Parameters"; MariaDB 10.11 and MySQL 8.0 "Option Files". Samples:
 *
 *   statement_timeout = 120s		# in milliseconds, 0 is disabled
 *
 *   [mariadb]
 *   max_statement_time = 30
 */
import type { Sourced } from '../model/facts/backend.ts';

export interface DatabaseConfig {
  readonly limits: Readonly<Record<string, Sourced<number>>>;
  /** `include 'x.conf'`, `include_dir 'conf.d'`, `!includedir /etc/mysql/conf.d/`, as they are written. */
  readonly includes: readonly { readonly path: string; readonly isFolder: boolean }[];
}

const maxLines = 20_000;
const postgresNames: ReadonlySet<string> = new Set(['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']);
/** By their unit in milliseconds. `max_execution_time` is MySQL's and holds for SELECT alone; `max_statement_time` is MariaDB's. */
const mysqlNames: Readonly<Record<string, number>> = { 'max-execution-time': 1, 'max-statement-time': 1000, 'innodb-lock-wait-timeout': 1000 };

/** postgresql.conf: a bare number is milliseconds; `0` is off. The last of several lines counts. */
export function parsePostgresConfig(text: string, path: string): DatabaseConfig {
  const limits: Record<string, Sourced<number>> = {};
  const includes: DatabaseConfig['includes'][number][] = [];
  for (const [index, line] of text.split('\n', maxLines).entries()) {
    const match = /^\s{0,20}([a-z_]{2,60})(?:\s{0,20}=\s{0,20}|\s{1,20})('[^']{0,1000}'|[^\s#']{1,100})/i.exec(line.slice(0, 2048));
    if (match === null) continue;
    const name = (match[1] ?? '').toLowerCase();
    const value = (match[2] ?? '').replace(/^'|'$/g, '');
    if (name === 'include' || name === 'include_if_exists' || name === 'include_dir') includes.push({ path: value, isFolder: name === 'include_dir' });
    if (!postgresNames.has(name)) continue;
    const ms = postgresTime(value);
    if (ms === undefined) delete limits[name];
    else limits[name] = { value: ms, source: `file:${path}:${index + 1}`, text: line.trim().slice(0, 200) };
  }
  return { limits, includes };
}

/** my.cnf: the sections that a server reads; `-` and `_` mean the same in names. */
export function parseMysqlConfig(text: string, path: string): DatabaseConfig {
  const limits: Record<string, Sourced<number>> = {};
  const includes: DatabaseConfig['includes'][number][] = [];
  let isServer = false;
  for (const [index, full] of text.split('\n', maxLines).entries()) {
    const line = full.slice(0, 2048).trim();
    const include = /^!include(dir)?\s{1,20}(\S{1,1000})$/.exec(line);
    if (include !== null) includes.push({ path: include[2] ?? '', isFolder: include[1] !== undefined });
    if (line.startsWith('[')) isServer = /^\[(?:mysqld|mariadb|mariadbd|server)(?:-\d[\d.]{0,10})?\]/.test(line);
    const match = isServer ? /^([a-z_-]{2,60})\s{0,20}=\s{0,20}(\d{1,9}(?:\.\d{1,6})?)\s{0,20}(?:#.*)?$/i.exec(line) : null;
    const name = (match?.[1] ?? '').toLowerCase().replaceAll('_', '-');
    const unit = mysqlNames[name];
    if (match === null || unit === undefined) continue;
    limits[name.replaceAll('-', '_')] = { value: Math.round(Number(match[2]) * unit), source: `file:${path}:${index + 1}`, text: line.slice(0, 200) };
  }
  return { limits, includes };
}

function postgresTime(text: string): number | undefined {
  const match = /^(\d{1,12})\s{0,5}(us|ms|s|min|h|d)?$/.exec(text.trim());
  if (match === null) return undefined;
  const factor = { us: 0.001, ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] ?? 'ms'] ?? 1;
  return Math.round(Number(match[1]) * factor);
}
