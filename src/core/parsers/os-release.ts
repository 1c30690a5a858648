import { linesOf } from './text.ts';

/**
 * What `/etc/os-release` (os-release(5)) calls the system: `PRETTY_NAME`, else `NAME`. Sample:
 * `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"`
 */
export function parseOsName(text: string): string | undefined {
  let name: string | undefined;
  for (const line of linesOf(text, 200)) {
    if (line.startsWith('PRETTY_NAME=')) return unquote(line.slice(12));
    if (line.startsWith('NAME=')) name = unquote(line.slice(5));
  }
  return name;
}

function unquote(text: string): string {
  const quote = text[0];
  const inner = (quote === '"' || quote === "'") && text.length > 1 && text.endsWith(quote) ? text.slice(1, -1) : text;
  return inner.replaceAll(/\\(["'$`\\])/g, '$1');
}
