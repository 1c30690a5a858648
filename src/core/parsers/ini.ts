/**
 * INI text as php-fpm and uWSGI read it: sections, `key = value`, comments, quotes.
 * Sources: php-src 8.2 Zend/zend_ini_scanner.l, uWSGI 2.0.21 core/ini.c. Sample:
 *
 *   [www]
 *   listen = /run/php/php8.2-fpm.sock   ; the default
 *   php_admin_value[error_log] = "/var/log/fpm.log"
 */

/** One `key = value` line. `value` is without quotes and comment. */
export interface IniEntry {
  readonly section: string;
  readonly key: string;
  readonly value: string;
  readonly quoted: boolean;
  /** 1-based. */
  readonly line: number;
  /** The line as it stands in the file. */
  readonly text: string;
}

export interface IniFile {
  readonly entries: readonly IniEntry[];
  readonly sections: readonly { readonly name: string; readonly line: number }[];
  readonly problems: readonly { readonly line: number; readonly text: string }[];
}

/** `php`: `;` starts a comment anywhere outside quotes. `uwsgi`: `;` and `#` at the start of a line only, and the value is taken as it stands. */
export type IniDialect = 'php' | 'uwsgi';

const maxLines = 50_000;

/** Reads INI text. Total: what is no section, entry, comment or blank is a problem with its line. */
export function parseIni(text: string, dialect: IniDialect): IniFile {
  const entries: IniEntry[] = [];
  const sections: { name: string; line: number }[] = [];
  const problems: { line: number; text: string }[] = [];
  const lines = text.split('\n', maxLines + 1);
  if (lines.length > maxLines) problems.push({ line: maxLines, text: `more than ${maxLines} lines; the rest was not read` });
  let section = '';
  for (let index = 0; index < Math.min(lines.length, maxLines); index++) {
    const line = index + 1;
    const content = (index === 0 ? stripBom(lines[0] ?? '') : (lines[index] ?? '')).trim();
    if (content === '' || content.startsWith(';') || content.startsWith('#')) continue;
    if (content.startsWith('[')) {
      const close = content.indexOf(']');
      if (close < 0) problems.push({ line, text: 'a section without its closing bracket' });
      else {
        section = content.slice(1, close).trim();
        sections.push({ name: section, line });
      }
      continue;
    }
    const equals = content.indexOf('=');
    const key = (equals < 0 ? content : content.slice(0, equals)).trim();
    if (key === '') problems.push({ line, text: 'a value without a key' });
    else if (equals < 0 && dialect === 'php') problems.push({ line, text: `no "=" after "${key.slice(0, 60)}"` });
    else entries.push({ section, key, ...readValue(equals < 0 ? '' : content.slice(equals + 1).trim(), dialect), line, text: lineText(lines[index]) });
  }
  return { entries, sections, problems };
}

/** Without the carriage return; what is longer than a line of settings can be is of no use to anybody. */
function lineText(line = ''): string {
  return (line.endsWith('\r') ? line.slice(0, -1) : line).slice(0, 2048);
}

function readValue(raw: string, dialect: IniDialect): { value: string; quoted: boolean } {
  if (dialect === 'uwsgi') return { value: raw, quoted: false };
  const quote = raw.charAt(0);
  if (quote === '"' || quote === "'") {
    const end = raw.indexOf(quote, 1);
    if (end > 0) return { value: raw.slice(1, end), quoted: true };
  }
  const comment = raw.indexOf(';');
  return { value: (comment < 0 ? raw : raw.slice(0, comment)).trim(), quoted: false };
}

function stripBom(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}
