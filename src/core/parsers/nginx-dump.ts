/**
 * What `nginx -T` prints on stdout once the test succeeded (nginx 1.9.2 to 1.31, src/core/nginx.c): every file
 * once, in the order of first reading, and after each a line feed of its own.
 *
 *     # configuration file /etc/nginx/nginx.conf:
 *     user www-data;
 *
 *     # configuration file /etc/nginx/mime.types:
 */

const mark = '# configuration file ';
const maxFiles = 5000;

/** Cuts the output into its files. `text` holds one character a byte. A header that comes twice is taken for a comment of the file before it. */
export function parseNginxDump(text: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  let path = '';
  let from = -1;
  for (let at = text.startsWith(mark) ? 0 : next(text, 0); at >= 0 && files.size < maxFiles; at = next(text, at)) {
    const end = text.indexOf('\n', at);
    const header = text.slice(at + mark.length, end < 0 ? text.length : end);
    const name = header.slice(0, -1);
    if (!header.startsWith('/') || !header.endsWith(':') || name === path || files.has(name)) continue;
    if (from >= 0) files.set(path, text.slice(from, at - 1));
    path = name;
    from = end < 0 ? text.length : end + 1;
  }
  if (from >= 0) files.set(path, text.endsWith('\n') ? text.slice(from, -1) : text.slice(from));
  return files;
}

/** The next line that looks like a header, after `at`. */
function next(text: string, at: number): number {
  const found = text.indexOf(`\n${mark}`, at);
  return found < 0 ? -1 : found + 1;
}
