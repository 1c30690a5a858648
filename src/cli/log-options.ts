import { existsSync, fstatSync, readFileSync, statSync } from 'node:fs';
import { extname } from 'node:path';
import { formatNames, formatsByName, isApacheFormat, parseLogFormats } from '../core/logs/formats/index.ts';
import { BadhopError } from '../core/model/error.ts';
import type { FormatSpec } from '../node/logs/format-choice.ts';

export const reportForms = ['terminal', 'json', 'markdown', 'html'] as const;

export type ReportForm = (typeof reportForms)[number];

const byEnding: Readonly<Record<string, ReportForm>> = {
  '.json': 'json',
  '.md': 'markdown',
  '.markdown': 'markdown',
  '.html': 'html',
  '.htm': 'html',
  '.txt': 'terminal',
};
// A configuration is text of a few hundred KB at most; a log that is given for one by mistake is not read whole.
const largestConfiguration = 4_000_000;

/** The form of the report: as it is asked for, or as the name of the file says that it goes to. */
export function chooseForm(format: string | undefined, out: string | undefined): ReportForm {
  if (format === undefined) return byEnding[extname(out ?? '').toLowerCase()] ?? 'terminal';
  const form = reportForms.find(each => each === format);
  if (form !== undefined) return form;
  const isLogFormat = format.includes('$') || isApacheFormat(format) || formatsByName(format).length > 0 || existsSync(format);
  throw new BadhopError('usage', `--format ${format}: this is no form of a report; they are ${reportForms.join(', ')}`, {
    hint: isLogFormat ? 'The format of the log is given with --log-format.' : 'How the log is written is given with --log-format.',
  });
}

/** What `--log-format` means, each time it is given: a name, the text of an nginx log_format or an Apache LogFormat, or a configuration that holds some. */
export function readLogFormats(values: readonly string[]): FormatSpec {
  const names: string[] = [];
  const definitions: FormatSpec['definitions'][number][] = [];
  const configurations: string[] = [];
  for (const value of values) {
    if (formatsByName(value).length > 0) names.push(value);
    else if (value.includes('$') || isApacheFormat(value)) definitions.push(definitionOf(value, definitions.length));
    else if (existsSync(value)) configurations.push(readConfiguration(value));
    else {
      throw new BadhopError('usage', `--log-format ${value}: this is no known format, no text of a log_format or LogFormat, and no file`, {
        hint: `Give the text of the log_format or LogFormat, the path of the configuration that defines it, or one of ${formatNames().join(', ')}.`,
      });
    }
  }
  return { names, definitions, configurations };
}

/** `escape=json {"status":$status}`, or the text alone: what looks like JSON is written with JSON's escapes. */
function definitionOf(value: string, index: number): FormatSpec['definitions'][number] {
  const [whole = '', escape] = /^\s*escape=(default|json|none)\s+/.exec(value) ?? [];
  const text = value.slice(whole.length).replace(/;\s*$/, '');
  const guessed = text.trimStart().startsWith('{') ? 'json' : 'default';
  return { name: index === 0 ? 'given' : `given-${index + 1}`, text, escape: (escape ?? guessed) as 'default' | 'json' | 'none' };
}

function readConfiguration(path: string): string {
  const hint = 'Give the path of a configuration with log_format or LogFormat directives, such as /etc/nginx/nginx.conf or /etc/apache2/apache2.conf.';
  try {
    const stats = statSync(path);
    if (stats.isDirectory() || stats.size > largestConfiguration)
      throw new BadhopError('usage', `--log-format ${path}: this is no configuration of nginx or Apache`, { hint });
    const text = readFileSync(path, 'utf8');
    if (parseLogFormats(text).length > 0) return text;
    throw new BadhopError('usage', `--log-format ${path}: no log_format and no LogFormat stands in this file`, { hint });
  } catch (error) {
    if (error instanceof BadhopError) throw error;
    throw new BadhopError('usage', `--log-format ${path}: ${error instanceof Error ? error.message : 'it cannot be read'}`, { cause: error, hint });
  }
}

/** True where somebody pipes a log in: `zcat access.log.gz | badhop logs`. A terminal or /dev/null is none. */
export function isPipedIn(): boolean {
  try {
    const stats = fstatSync(0);
    return stats.isFIFO() || stats.isFile();
  } catch {
    return false;
  }
}
