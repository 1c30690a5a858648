/**
 * The command line of nginx (ngx_get_options, src/core/nginx.c) from an argv, a process title or a unit file.
 * The title of a master is its argv joined by blanks (ngx_setproctitle), so that quoting is lost:
 *
 *     nginx: master process /usr/sbin/nginx -g daemon on; master_process on;
 *     angie: master process v1.8.1 #1 [/usr/sbin/angie -c /etc/angie/angie.conf]
 */
import { wordsOf } from './text.ts';

export interface NginxCommand {
  readonly binary: string;
  readonly config?: string;
  readonly prefix?: string;
  readonly globals?: string;
  /** It tests, prints or signals and ends: `-t`, `-T`, `-v`, `-V`, `-s`, `-h`, `-?`. */
  readonly isOneShot: boolean;
}

export type NginxRole = 'master' | 'worker' | 'old-worker' | 'helper';

const products = new Set(['nginx', 'openresty', 'tengine', 'freenginx', 'angie']);

/** The role that a process title tells, and for a master its command line as text. */
export function parseNginxTitle(title: string): { readonly role: NginxRole; readonly command: string } | undefined {
  const colon = title.indexOf(': ');
  if (colon < 0 || !products.has(title.slice(0, colon))) return undefined;
  const rest = title.slice(colon + 2);
  const master = 'master process ';
  if (rest.startsWith(master)) return { role: 'master', command: unwrap(rest.slice(master.length)) };
  if (!rest.startsWith('worker process')) return { role: 'helper', command: '' };
  return { role: rest.includes('is shutting down') ? 'old-worker' : 'worker', command: '' };
}

/** True where the file name is that of an nginx or a fork: `nginx`, `nginx-debug`, `nginx.old`. */
export function isNginxBinary(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return products.has(name) || /^(?:nginx|openresty|tengine|freenginx|angie)(?:[-.](?:debug|old|nodebug|plus)|\d[\d.]{0,10})$/u.test(name);
}

/** Reads an argv of separate words. */
export function parseNginxArgv(argv: readonly string[]): NginxCommand {
  const found: { config?: string; prefix?: string; globals?: string } = {};
  let isOneShot = false;
  for (let at = 1; at < argv.length; at += 1) {
    const word = argv[at] ?? '';
    if (!word.startsWith('-')) continue;
    // Letters may stand together, and a value may stand in the same word: `-tc/path`.
    for (let letter = 1; letter < word.length; letter += 1) {
      const option = word.charAt(letter);
      if ('tTvVsh?'.includes(option)) isOneShot = true;
      if (!'cpges'.includes(option)) continue;
      const attached = word.slice(letter + 1);
      const value = attached === '' ? (argv[(at += 1)] ?? '') : attached;
      if (option === 'c') found.config = value;
      if (option === 'p') found.prefix = value;
      if (option === 'g') found.globals = value;
      break;
    }
  }
  return { binary: argv[0] ?? '', ...found, isOneShot };
}

/** Reads a command line whose quoting is lost: the value of `-g` reaches to the last `;` or `}` before another option. */
export function parseNginxCommandLine(line: string): NginxCommand {
  const argv: string[] = [];
  let inGlobals = false;
  for (const word of wordsOf(line, 500)) {
    const last = argv.at(-1);
    // The directives of -g end with `;` or `}`, or nginx would not have started; only then can an option follow.
    const isOption = /^-[?hvVtTqscpge]/u.test(word) && !(inGlobals && !/[;}]$/u.test(last ?? ''));
    if (last === undefined) argv.push(word);
    else if (isOption) {
      inGlobals = word.startsWith('-g');
      argv.push(word);
    } else if (/^-[A-Za-z]*[cpges]$/u.test(last)) argv.push(word);
    else argv[argv.length - 1] = `${last} ${word}`;
  }
  return parseNginxArgv(argv);
}

/** `v1.8.1 #1 [command]` of angie, else the text itself. */
function unwrap(text: string): string {
  const open = text.indexOf(' [');
  const wrapped = text.startsWith('v') && open > 0 && text.endsWith(']');
  return wrapped ? text.slice(open + 2, -1) : text;
}
