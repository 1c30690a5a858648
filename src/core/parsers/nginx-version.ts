/**
 * What `nginx -V` prints on stderr (ngx_show_version_info, src/core/nginx.c; 1.0 to 1.31, and the forks' own lines):
 *
 *     nginx version: nginx/1.22.1
 *     built with OpenSSL 3.0.20 7 Apr 2026 (running with OpenSSL 3.0.19 27 Jan 2026)
 *     configure arguments: --with-cc-opt='-g -O2' --prefix=/usr/share/nginx --conf-path=/etc/nginx/nginx.conf
 */
import { linesOf } from './text.ts';

export interface NginxVersion {
  /** `nginx`, `openresty`, `tengine`, `freenginx`, `angie`. */
  readonly flavour: string;
  /** Of the nginx that it is or was made from: `1.25.3` for openresty/1.25.3.1. */
  readonly version?: string;
  readonly configureArguments: string;
  readonly prefix: string;
  /** Absolute. */
  readonly confPath: string;
  /** Absolute, or `stderr` and the like as configured. */
  readonly pidPath: string;
  readonly errorLogPath: string;
  readonly httpLogPath: string;
  /** Every `--name=value`, without the dashes; `''` for a bare `--name`. */
  readonly options: ReadonlyMap<string, string>;
}

/** Reads the output; `undefined` where it is no nginx's. */
export function parseNginxVersion(text: string): NginxVersion | undefined {
  const products: { name: string; version: string }[] = [];
  let configureArguments = '';
  for (const line of linesOf(text, 1000)) {
    const product = /^(?:nginx|tengine|angie|openresty|freenginx) version: ([A-Za-z][\w-]{0,30})\/(\d[\w.-]{0,30})/iu.exec(line);
    if (product !== null) products.push({ name: (product[1] ?? '').toLowerCase(), version: product[2] ?? '' });
    const mark = 'configure arguments:';
    if (line.startsWith(mark)) configureArguments = line.slice(mark.length).trim();
  }
  const [main] = products;
  if (main === undefined) return undefined;
  const own = products.find(product => product.name === 'nginx') ?? main;
  const version = /^\d{1,4}\.\d{1,4}\.\d{1,4}/u.exec(own.version)?.[0];
  const options = configureOptions(configureArguments);
  // Defaults of auto/options and auto/init.
  const prefix = options.get('prefix') ?? '/usr/local/nginx';
  const under = (name: string, fallback: string): string => underPrefix(options.get(name) ?? fallback, prefix);
  return {
    flavour: main.name,
    ...(version === undefined ? {} : { version }),
    configureArguments,
    prefix,
    confPath: under('conf-path', 'conf/nginx.conf'),
    pidPath: under('pid-path', 'logs/nginx.pid'),
    errorLogPath: under('error-log-path', 'logs/error.log'),
    httpLogPath: under('http-log-path', 'logs/access.log'),
    options,
  };
}

/** A path as nginx completes it (ngx_conf_full_name): relative to the prefix. Names of no file stay. */
export function underPrefix(path: string, prefix: string): string {
  if (path.startsWith('/') || path === '' || path === 'stderr') return path;
  return `${prefix.endsWith('/') ? prefix.slice(0, -1) : prefix}/${path}`;
}

/** Words as the shell wrote them down for configure: blanks part, `'…'` and `"…"` hold together. */
function configureOptions(text: string): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  let word = '';
  let quote = '';
  for (let at = 0; at <= text.length; at += 1) {
    const character = text.charAt(at);
    if (quote !== '' && character === quote) quote = '';
    else if (quote === '' && (character === "'" || character === '"')) quote = character;
    else if (character !== '' && (quote !== '' || character !== ' ')) word += character;
    else {
      if (word.startsWith('--')) {
        const equals = word.indexOf('=');
        options.set(word.slice(2, equals < 0 ? undefined : equals), equals < 0 ? '' : word.slice(equals + 1));
      }
      word = '';
    }
  }
  return options;
}
