/**
 * supervisord's configuration: INI as Python's configparser reads it, with continued lines and comments behind ` ;`.
 * Source: supervisor 4.2.5, options.py and configuration.rst. Sample:
 *
 *   [program:web]
 *   command=/srv/shop/venv/bin/gunicorn -b 127.0.0.1:8101 shop:app ; the shop
 *   environment=DJANGO_SETTINGS_MODULE="shop.settings"
 *   [group:shop]
 *   programs=web,worker
 *   [include]
 *   files = conf.d/*.conf
 */
import { linesOf, wholeNumber } from './text.ts';

/** A `[program:…]` or `[fcgi-program:…]`, without its environment. */
export interface ProgramSection {
  readonly name: string;
  readonly group?: string;
  readonly command?: string;
  readonly directory?: string;
  readonly user?: string;
  readonly stderrLog?: string;
  readonly stdoutLog?: string;
  /** `environment=PORT="8101"`: the only variable that is kept. */
  readonly port?: number;
  /** `socket=` of an fcgi-program. */
  readonly socket?: string;
  /** As it is written: `true`, `false`, `unexpected`; any case. */
  readonly autorestart?: string;
  /** More than one process: each has a name of its own. */
  readonly many: boolean;
  readonly line: number;
}

export interface SupervisordConfig {
  readonly programs: readonly ProgramSection[];
  /** Members of groups that the file names, by program. */
  readonly groups: ReadonlyMap<string, string>;
  readonly include: readonly string[];
  readonly logFile?: string;
  readonly childLogFolder?: string;
  /** Of `[supervisorctl]`; supervisorctl's own default where it is not given. */
  readonly serverUrl?: string;
}

const maxLines = 20_000;
const maxValue = 16_384;

/** Reads the text of one file. Total and linear. */
export function parseSupervisordConfig(text: string): SupervisordConfig {
  const sections = sectionsOf(text);
  const groups = new Map<string, string>();
  const programs: ProgramSection[] = [];
  let include: readonly string[] = [];
  let main: ReadonlyMap<string, string> = new Map();
  let control: ReadonlyMap<string, string> = new Map();
  for (const { name, line, values } of sections) {
    const colon = name.indexOf(':');
    const kind = colon < 0 ? name : name.slice(0, colon);
    const own = colon < 0 ? '' : name.slice(colon + 1).trim();
    if (kind === 'program' || kind === 'fcgi-program') programs.push(programOf(own, line, values));
    else if (kind === 'group') for (const member of (values.get('programs') ?? '').split(',')) groups.set(member.trim(), own);
    else if (name === 'include') include = (values.get('files') ?? '').split(/\s+/).filter(part => part !== '');
    else if (name === 'supervisord') main = values;
    else if (name === 'supervisorctl') control = values;
  }
  return {
    programs,
    groups,
    include,
    ...named('logFile', main.get('logfile')),
    ...named('childLogFolder', main.get('childlogdir')),
    ...named('serverUrl', control.get('serverurl')),
  };
}

function programOf(name: string, line: number, values: ReadonlyMap<string, string>): ProgramSection {
  const port = /(?:^|,)\s*PORT\s*=\s*["']?(\d{1,5})["']?\s*(?:,|$)/.exec((values.get('environment') ?? '').slice(0, 4000))?.[1];
  return {
    name,
    line,
    many: (wholeNumber(values.get('numprocs')) ?? 1) > 1,
    ...named('command', values.get('command')),
    ...named('directory', values.get('directory')),
    ...named('user', values.get('user')),
    ...named('stderrLog', values.get('redirect_stderr') === 'true' ? values.get('stdout_logfile') : values.get('stderr_logfile')),
    ...named('stdoutLog', values.get('stdout_logfile')),
    ...named('socket', values.get('socket')),
    ...named('autorestart', values.get('autorestart')),
    ...(port === undefined ? {} : { port: Number(port) }),
  };
}

interface Section {
  readonly name: string;
  readonly line: number;
  readonly values: Map<string, string>;
}

function sectionsOf(text: string): readonly Section[] {
  const sections: Section[] = [];
  let key: string | undefined;
  let number = 0;
  for (const full of linesOf(text, maxLines)) {
    number += 1;
    const line = full.slice(0, 8192);
    if (line.trim() === '' || /^\s*[#;]/.test(line)) continue;
    const section = sections.at(-1);
    const content = withoutComment(line).trim();
    if (/^\s/.test(line) && key !== undefined && section !== undefined) {
      const before = section.values.get(key) ?? '';
      if (before.length < maxValue) section.values.set(key, `${before} ${content}`);
      continue;
    }
    const header = /^\[([^\]]{1,300})\]/.exec(content);
    const equals = content.search(/[=:]/);
    if (header !== null) {
      sections.push({ name: (header[1] ?? '').trim(), line: number, values: new Map() });
      key = undefined;
    } else if (equals > 0 && section !== undefined) {
      key = content.slice(0, equals).trim().toLowerCase();
      section.values.set(key, content.slice(equals + 1).trim());
    }
  }
  return sections;
}

function withoutComment(line: string): string {
  const at = line.search(/\s;/);
  return at < 0 ? line : line.slice(0, at);
}

function named<K extends string>(key: K, value: string | undefined): { readonly [P in K]?: string } {
  return (value === undefined || value === '' ? {} : { [key]: value }) as { readonly [P in K]?: string };
}
