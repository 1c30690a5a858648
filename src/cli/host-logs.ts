import { readFileSync } from 'node:fs';
import { logTarget } from '../core/collectors/shared/log-targets.ts';
import type { Topology } from '../core/model/facts/topology.ts';
import type { NotChecked } from '../core/model/report.ts';
import { expandGlob } from '../node/logs/glob.ts';
import { withRotated } from '../node/logs/rotated-beside.ts';

/** The logs that a host's nginx writes by its configuration. */
export interface HostLogs {
  readonly paths: readonly string[];
  /** Units whose journal holds a log that goes to no file. */
  readonly journalUnits: readonly string[];
  /** The texts of the configuration files that may define the formats of access logs. */
  readonly configurations: readonly string[];
  /** Logs that this host does not keep. */
  readonly elsewhere: readonly NotChecked[];
}

/**
 * The logs of the servers of a topology. With `rotated` also what rotation made of them; a path with variables stands for the files
 * that it may name.
 */
export async function logsOf({ servers }: Topology, rotated: boolean): Promise<HostLogs> {
  const paths = new Set<string>();
  const journalUnits = new Set<string>();
  const elsewhere = new Map<string, NotChecked>();
  const access = servers.flatMap(server => server.accessLogs.map(({ path }) => ({ path, file: path.replaceAll(/\$(?:\{\w+\}|\w+)/gu, '*') })));
  const errors = servers.flatMap(server => [...server.errorLogs, ...(server.locationErrorLogs ?? [])].map(({ path }) => ({ path, file: path })));
  for (const { path, file } of [...access, ...errors]) {
    const target = logTarget(path);
    const isStream = target.kind === 'journal' || /^\/(?:dev\/std(?:out|err)|proc\/self\/fd\/[12])$/u.test(path);
    if (isStream) journalUnits.add('nginx.service');
    else if (target.kind === 'elsewhere') elsewhere.set(path, { what: `the log ${path}`, why: target.why, how: '' });
    else if (path.startsWith('/') && !path.startsWith('/dev/')) for (const one of file === path ? [path] : await expandGlob(file)) paths.add(one);
  }
  const files = rotated ? (await Promise.all([...paths].map(withRotated))).flat() : [...paths];
  const defining = servers.flatMap(({ origin, accessLogs }) => [
    origin.path,
    ...accessLogs.flatMap(({ origin: from }) => (from.kind === 'file' ? [from.path] : [])),
  ]);
  return {
    paths: [...new Set(files)],
    journalUnits: [...journalUnits],
    configurations: [...new Set([...defining, '/etc/nginx/nginx.conf'])].flatMap(textOf),
    elsewhere: [...elsewhere.values()],
  };
}

function textOf(path: string): readonly string[] {
  try {
    return [readFileSync(path, 'utf8')];
  } catch {
    // The format is recognised by the log's lines then.
    return [];
  }
}
