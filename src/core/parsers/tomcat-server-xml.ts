/**
 * The connectors of Tomcat's conf/server.xml. Source: Apache Tomcat 10.1 configuration reference, "The HTTP
 * Connector" and "The AJP Connector". Sample:
 *
 *   <Connector port="8080" protocol="HTTP/1.1" connectionTimeout="20000" maxThreads="200" />
 */
import type { Sourced } from '../model/facts/backend.ts';

const maxTag = 8192;

/** Attributes of each connector as `connector[0].port`, and of shared executors as `executor[0].maxThreads`. Comments are no connectors. */
export function parseTomcatServerXml(text: string, path: string): Readonly<Record<string, Sourced<string>>> {
  const values: Record<string, Sourced<string>> = {};
  const counts = { connector: 0, executor: 0 };
  let line = 1;
  let counted = 0;
  let at = text.indexOf('<');
  while (at >= 0) {
    if (text.startsWith('<!--', at)) {
      const end = text.indexOf('-->', at + 4);
      if (end < 0) break;
      at = text.indexOf('<', end + 3);
      continue;
    }
    const kind = text.startsWith('<Connector', at) ? 'connector' : text.startsWith('<Executor', at) ? 'executor' : undefined;
    if (kind !== undefined && counts[kind] < 32) {
      const index = counts[kind]++;
      for (const [name, value, offset] of attributes(text.slice(at, at + maxTag))) {
        for (; counted < at + offset; counted++) if (text.charCodeAt(counted) === 10) line += 1;
        values[`${kind}[${index}].${name}`] = { value, source: `file:${path}:${line}`, text: lineAround(text, at + offset) };
      }
    }
    at = text.indexOf('<', at + 1);
  }
  return values;
}

/** The whole line in which this place lies. */
function lineAround(text: string, at: number): string {
  const from = text.lastIndexOf('\n', at - 1) + 1;
  const to = text.indexOf('\n', at);
  return text.slice(from, Math.min(to < 0 ? text.length : to, from + maxTag)).replace(/\r$/, '');
}

/** The attributes of the tag that `text` begins with, and where each name stands. */
function attributes(text: string): readonly (readonly [name: string, value: string, offset: number])[] {
  const found: (readonly [string, string, number])[] = [];
  const pattern = /\s+([A-Za-z][\w.:-]{0,60})\s{0,20}=\s{0,20}(?:"([^"]*)"|'([^']*)')/y;
  pattern.lastIndex = Math.max(0, text.search(/[\s>]/));
  for (let match = pattern.exec(text); match !== null && found.length < 100; match = pattern.exec(text))
    found.push([match[1] ?? '', match[2] ?? match[3] ?? '', match.index + match[0].indexOf(match[1] ?? '')]);
  return found;
}
