/**
 * The `log_format` directives of an nginx configuration as formats.
 *
 *     log_format timed escape=json '{"t":"$time_iso8601",' '"status":$status}';
 */
import type { ConfigDirective } from '../../model/facts/nginx.ts';
import { latin1FromText } from '../../parsers/latin1.ts';
import { parseNginxConf } from '../../parsers/nginx-conf.ts';
import type { LogFormat } from '../scan/format.ts';
import { apacheFormat, isApacheFormat, parseApacheLogFormats } from './apache-format.ts';
import { nginxFormat } from './nginx-format.ts';
import type { NginxEscape } from './nginx-outcome.ts';

/** More than any configuration has, and no more than is tried for each line. */
const mostFormats = 100;

/** The formats that a configuration's text defines, wherever they stand in it; of two with one name the last counts. Never throws. */
export function parseLogFormatDirectives(confText: string): readonly LogFormat[] {
  const found = new Map<string, LogFormat>();
  for (const directive of directivesIn(parseNginxConf(latin1FromText(confText), '').directives)) {
    const [name, ...rest] = directive.args.map(arg => arg.value);
    if (name === undefined || rest.length === 0) continue;
    const escape = /^escape=(default|json|none)$/u.exec(rest[0] ?? '')?.[1];
    const text = (escape === undefined ? rest : rest.slice(1)).join('');
    // A text without a variable is the same for every request.
    if (!text.includes('$') || (found.size >= mostFormats && !found.has(name))) continue;
    found.set(name, nginxFormat(name, text, (escape ?? 'default') as NginxEscape));
  }
  return [...found.values()];
}

/** The formats that a configuration of nginx or Apache defines. Never throws. */
export function parseLogFormats(confText: string): readonly LogFormat[] {
  const ofNginx = parseLogFormatDirectives(confText);
  return ofNginx.length > 0 ? ofNginx : parseApacheLogFormats(confText);
}

/** The format of a text that somebody gave: an nginx `log_format` or an Apache `LogFormat`. */
export function formatOfText(name: string, text: string, escape?: NginxEscape): LogFormat {
  return isApacheFormat(text) ? apacheFormat(name, text) : nginxFormat(name, text, escape);
}

function directivesIn(directives: readonly ConfigDirective[]): readonly ConfigDirective[] {
  return directives.flatMap(directive => {
    if (directive.name === 'log_format') return [directive];
    return directive.block === undefined ? [] : directivesIn(directive.block);
  });
}
