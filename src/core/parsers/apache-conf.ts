/**
 * Apache httpd's configuration, one file at a time: directives and sections in their order, and the shell file that
 * sets the variables of Debian's. Source: httpd 2.4 server/config.c and util.c (ap_cfg_getline, ap_getword_conf);
 * Debian's apache2 2.4.66. Sample:
 *
 *   Listen 127.0.0.1:8080
 *   <IfModule mpm_event_module>
 *       MaxRequestWorkers 150
 *   </IfModule>
 *   ErrorLog ${APACHE_LOG_DIR}/error.log
 */

/** `open` and `close` are `<Name …>` and `</Name>`. */
export interface ApacheLine {
  readonly kind: 'directive' | 'open' | 'close';
  /** Lower case: names are case-insensitive. */
  readonly name: string;
  readonly args: readonly string[];
  /** 1-based; the first of several that a backslash joins. */
  readonly line: number;
  /** As it stands in the file, where it is one line. */
  readonly text: string;
}

const maxLines = 50_000;
const maxLength = 8192;

/** Total: what is no directive and no section is left out. */
export function parseApacheConf(text: string): readonly ApacheLine[] {
  const found: ApacheLine[] = [];
  const lines = text.split('\n', maxLines);
  for (let index = 0; index < lines.length; index++) {
    const first = index;
    let content = lineAt(lines, index);
    while (content.endsWith('\\') && index + 1 < lines.length && content.length < maxLength) content = content.slice(0, -1) + lineAt(lines, ++index);
    const read = readLine(content.slice(0, maxLength).trim());
    if (read !== undefined) found.push({ ...read, line: first + 1, text: index === first ? lineAt(lines, first) : '' });
  }
  return found;
}

function lineAt(lines: readonly string[], index: number): string {
  const line = lines[index] ?? '';
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

function readLine(content: string): Pick<ApacheLine, 'kind' | 'name' | 'args'> | undefined {
  if (content === '' || content.startsWith('#')) return undefined;
  if (!content.startsWith('<')) {
    const [name = '', ...args] = words(content);
    return /^[A-Za-z_]\w*$/.test(name) ? { kind: 'directive', name: name.toLowerCase(), args } : undefined;
  }
  const end = content.lastIndexOf('>');
  const [name = '', ...args] = words(content.slice(content.startsWith('</') ? 2 : 1, end < 0 ? undefined : end));
  return /^[A-Za-z_]\w*$/.test(name) ? { kind: content.startsWith('</') ? 'close' : 'open', name: name.toLowerCase(), args } : undefined;
}

/** Blanks part words; quotes hold them together; a backslash takes a quote or a backslash as it is. */
function words(line: string): readonly string[] {
  const found: string[] = [];
  let at = 0;
  while (at < line.length) {
    while (at < line.length && isBlank(line.charAt(at))) at += 1;
    if (at >= line.length) break;
    const quote = line.charAt(at) === '"' || line.charAt(at) === "'" ? line.charAt(at) : '';
    let word = '';
    if (quote !== '') at += 1;
    while (at < line.length && (quote === '' ? !isBlank(line.charAt(at)) : line.charAt(at) !== quote)) {
      const next = line.charAt(at + 1);
      if (quote !== '' && line.charAt(at) === '\\' && (next === quote || next === '\\')) at += 1;
      word += line.charAt(at++);
    }
    if (quote !== '') at += 1;
    found.push(word);
  }
  return found;
}

function isBlank(character: string): boolean {
  return character === ' ' || character === '\t';
}

/** Puts the values of `${NAME}` in; one that is not known stays as it is written, as httpd leaves it. */
export function fillVariables(text: string, variables: ReadonlyMap<string, string>): string {
  if (!text.includes('${')) return text;
  return text.replaceAll(/\$\{([A-Za-z_]\w{0,99})\}/g, (whole: string, name: string) => variables.get(name) ?? whole);
}

/**
 * The assignments of Debian's `envvars` and of files like /etc/sysconfig/httpd: `export APACHE_LOG_DIR=/var/log/apache2$SUFFIX`,
 * `: ${APACHE_RUN_USER:=www-data}`. A value that names a variable nobody has set, or a command, is left out.
 */
export function parseApacheVariables(text: string, given: ReadonlyMap<string, string> = new Map()): ReadonlyMap<string, string> {
  const variables = new Map(given);
  for (const line of text.split('\n', 2000)) {
    const match = /^\s{0,20}(?:export\s{1,20})?([A-Za-z_]\w{0,99})=(\S.{0,1000}|)$/.exec(line.slice(0, 1200).trimEnd());
    const preset = match === null ? /^\s{0,20}: "?\$\{([A-Za-z_]\w{0,99}):?=([^}]{0,1000})\}/.exec(line.slice(0, 1200)) : null;
    const name = match?.[1] ?? preset?.[1];
    const raw = (match?.[2] ?? preset?.[2] ?? '').trim().replace(/^(["'])(.*)\1$/, '$2');
    if (name === undefined || given.has(name) || (preset !== null && variables.has(name))) continue;
    const value = raw.replaceAll(/\$(?:\{([A-Za-z_]\w{0,99})\}|([A-Za-z_]\w{0,99}))/g, (whole: string, braced?: string, bare?: string) => {
      return variables.get(braced ?? bare ?? '') ?? whole;
    });
    if (!/[$`]/.test(value)) variables.set(name, value);
  }
  return variables;
}
