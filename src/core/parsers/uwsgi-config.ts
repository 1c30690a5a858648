/**
 * uWSGI's INI and YAML configuration: the `[uwsgi]` section, with `%n`-like and `%(name)` placeholders filled in.
 * Source: uWSGI 2.0.21 core/ini.c, core/config.c ("magic variables"). Sample:
 *
 *   [uwsgi]
 *   processes = 2
 *   socket = /run/uwsgi/%n.sock
 *   harakiri = 30
 */
import type { Sourced } from '../model/facts/backend.ts';
import { freeKey } from './backend-options.ts';
import { parseIni } from './ini.ts';
import { baseName } from './backend-command.ts';

const aliases: Readonly<Record<string, string>> = { workers: 'processes', 'uwsgi-socket': 'socket', daemonize2: 'daemonize', logto2: 'logto' };

/** Settings by their long names. A value with a placeholder that cannot be filled in stays as it is written. */
export function parseUwsgiConfig(text: string, path: string): Readonly<Record<string, Sourced<string>>> {
  const entries = /\.ya?ml$/.test(path) ? yamlEntries(text) : iniEntries(text);
  const raw = new Map(entries.map(entry => [entry.key, entry.value]));
  const values: Record<string, Sourced<string>> = {};
  for (const { key, value, line, text: whole } of entries.slice(0, 2000)) {
    const name = aliases[key] ?? key.replaceAll('_', '-');
    values[freeKey(values, name)] = { value: fill(value, raw, path), source: `file:${path}:${line}`, text: whole };
  }
  return values;
}

interface Entry {
  readonly key: string;
  readonly value: string;
  readonly line: number;
  readonly text: string;
}

function iniEntries(text: string): readonly Entry[] {
  return parseIni(text, 'uwsgi').entries.filter(entry => entry.section === 'uwsgi');
}

function yamlEntries(text: string): readonly Entry[] {
  const entries: Entry[] = [];
  let inside = false;
  for (const [index, full] of text.split('\n', 5000).entries()) {
    const line = full.slice(0, 2000).trimEnd();
    if (/^\S/.test(line)) inside = line.startsWith('uwsgi:');
    const match = inside ? /^\s+(?:- )?([A-Za-z][\w-]{0,60}):\s*(.*)$/.exec(line) : null;
    if (match !== null)
      entries.push({ key: match[1] ?? '', value: (match[2] ?? '').replace(/^(["'])(.*)\1$/, '$2'), line: index + 1, text: full.slice(0, 2048) });
  }
  return entries;
}

function fill(value: string, raw: ReadonlyMap<string, string>, path: string, depth = 0): string {
  if (!value.includes('%') || depth > 5 || value.length > 4096) return value;
  const file = baseName(path);
  const dot = file.lastIndexOf('.');
  const folder = path.slice(0, Math.max(1, path.lastIndexOf('/')));
  const magic: Readonly<Record<string, string>> = {
    p: path,
    s: file,
    d: `${folder}/`,
    n: dot > 0 ? file.slice(0, dot) : file,
    e: dot > 0 ? file.slice(dot + 1) : '',
    c: baseName(folder),
    '%': '%',
  };
  return value.replaceAll(/%(?:\(([\w-]{1,60})\)|([a-zA-Z%]))/g, (whole: string, name: string | undefined, letter: string | undefined) => {
    if (letter !== undefined) return magic[letter] ?? whole;
    const other = raw.get(name ?? '');
    return other === undefined ? whole : fill(other, raw, path, depth + 1).slice(0, 4096);
  });
}
