/**
 * What the options of each backend mean: where it binds, which files it reads. Sources: `--help` of gunicorn 20.1,
 * uWSGI 2.0.21, Puma 5.6, uvicorn 0.17; unicorn's and Java's manuals.
 */
import type { Address } from '../model/host.ts';
import type { Sourced, ServiceKind } from '../model/facts/backend.ts';
import type { WireProtocol } from '../model/probe.ts';
import { readOptions } from './command-options.ts';
import type { CommandOptions, OptionRules } from './command-options.ts';
import { parseListenAddress, parsePort, resolvePath } from './listen-address.ts';

export type Values = Readonly<Record<string, Sourced<string>>>;
export interface Listen {
  readonly address: Sourced<Address>;
  readonly speaks?: WireProtocol;
}

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));

const rules: Readonly<Partial<Record<ServiceKind, OptionRules>>> = {
  gunicorn: {
    short: {
      b: 'bind',
      w: 'workers',
      t: 'timeout',
      k: 'worker-class',
      c: 'config',
      D: 'daemon',
      p: 'pid',
      u: 'user',
      g: 'group',
      m: 'umask',
      e: 'env',
      n: 'name',
      R: 'enable-stdio-inheritance',
    },
    flags: words(
      'daemon preload reload capture-output check-config print-config proxy-protocol no-sendfile spew enable-stdio-inheritance log-syslog suppress-ragged-eofs do-handshake-on-connect strip-header-spaces reuse-port initgroups disable-redirect-access-to-syslog',
    ),
    aliases: { 'log-file': 'error-logfile' },
  },
  uwsgi: {
    short: {
      s: 'socket',
      p: 'processes',
      M: 'master',
      H: 'home',
      T: 'enable-threads',
      w: 'module',
      d: 'daemonize',
      t: 'harakiri',
      l: 'listen',
      b: 'buffer-size',
      x: 'xml',
      y: 'yaml',
      z: 'socket-timeout',
      m: 'memory-report',
      L: 'disable-logging',
    },
    flags: words(
      'master enable-threads vacuum die-on-term lazy-apps lazy need-app single-interpreter thunder-lock disable-logging memory-report no-orphans ignore-sigpipe ignore-write-errors auto-procname strict log-master log-x-forwarded-for',
    ),
    aliases: { workers: 'processes', 'uwsgi-socket': 'socket', daemonize2: 'daemonize', logto2: 'logto' },
  },
  puma: {
    short: { b: 'bind', p: 'port', w: 'workers', t: 'threads', C: 'config', e: 'environment', q: 'quiet', d: 'daemon' },
    flags: words('quiet daemon preload silent debug early-hints prune-bundler'),
  },
  unicorn: {
    short: { l: 'listen', p: 'port', o: 'host', c: 'config-file', D: 'daemonize', E: 'env', d: 'debug', w: 'warn' },
    flags: words('daemonize debug warn no-default-middleware'),
  },
  uvicorn: {
    short: {},
    flags: words(
      'reload proxy-headers no-proxy-headers access-log no-access-log use-colors no-use-colors server-header no-server-header date-header no-date-header factory',
    ),
  },
  apache: {
    short: { d: 'server-root', f: 'config', D: 'define', C: 'directive-before', c: 'directive-after', k: 'signal', e: 'log-level', E: 'startup-log' },
    flags: words('X'),
  },
};
const generic: OptionRules = { short: { p: 'port', b: 'bind', l: 'listen', S: 'listen', H: 'host' }, flags: words('daemon debug verbose reload production') };

/** Options by their long names; a name that is given again gets an index (`bind[1]`). `source` is where the command line stands. */
export function readBackendOptions(
  service: ServiceKind,
  args: readonly string[],
  source: string,
): { readonly values: Values; readonly words: readonly string[] } {
  const read: CommandOptions = service === 'java' || service === 'tomcat' ? javaOptions(args) : readOptions(args, rules[service] ?? generic);
  const values: Record<string, Sourced<string>> = {};
  for (const { name, value } of read.options.slice(0, 512)) values[freeKey(values, name)] = { value, source };
  return { values, words: read.words };
}

/** All values of one setting: `bind`, `bind[1]`, … */
export function allOf(values: Values, name: string): readonly Sourced<string>[] {
  const found: Sourced<string>[] = [];
  for (let index = 0; index < 64; index++) {
    const value = values[index === 0 ? name : `${name}[${index}]`];
    if (value === undefined) break;
    found.push(value);
  }
  return found;
}

/** `name`, or `name[1]`, `name[2]` … where it is taken. */
export function freeKey(values: Values, name: string): string {
  if (!(name in values)) return name;
  let index = 1;
  while (`${name}[${index}]` in values && index < 64) index += 1;
  return `${name}[${index}]`;
}

/** Where the settings say that the backend binds. Defaults are given where the program documents one and nothing else is known. */
export function listenOf(service: ServiceKind, values: Values, args: readonly string[], folder: string | undefined): readonly Listen[] {
  const base = folder === undefined ? {} : { folder };
  const from = (names: readonly string[], speaks: WireProtocol | undefined, defaultPort?: number): Listen[] =>
    names.flatMap(name => allOf(values, name)).flatMap(item => addresses(item, { ...base, ...(defaultPort === undefined ? {} : { defaultPort }) }, speaks));
  switch (service) {
    case 'gunicorn':
      return orDefault(from(['bind'], 'http', 8000), values['bind'] === undefined && values['elsewhere'] === undefined, '127.0.0.1', 8000, 'gunicorn');
    case 'uwsgi':
      return [
        ...from(['socket'], uwsgiProtocol(values)),
        ...from(['http-socket', 'http11-socket', 'http'], 'http'),
        ...from(['https', 'https-socket'], 'tls'),
        ...from(['fastcgi-socket'], 'fastcgi'),
      ];
    case 'puma': {
      const ports = allOf(values, 'port').flatMap(item => portListen(item, '0.0.0.0'));
      return [...from(['bind'], 'http'), ...ports];
    }
    case 'unicorn':
      return [...from(['listen'], 'http'), ...allOf(values, 'port').flatMap(item => portListen(item, values['host']?.value ?? '0.0.0.0'))];
    case 'uvicorn': {
      if (values['fd'] !== undefined) return [];
      if (values['uds'] !== undefined) return from(['uds'], 'http');
      const host = values['host']?.value ?? '127.0.0.1';
      return values['port'] === undefined ? orDefault([], true, host, 8000, 'uvicorn') : portListen(values['port'], host);
    }
    case 'tomcat':
    case 'java':
      return [...allOf(values, 'server.port').flatMap(item => portListen(item, '*')), ...connectors(values)];
    case 'apache':
      return allOf(values, 'listen').flatMap(item => apacheListen(item));
    case 'php-fpm':
    case 'nginx':
    case 'haproxy':
      return [];
    default:
      return genericListen(values, args);
  }
}

/** What `socket` speaks: uwsgi, unless `protocol` says otherwise for all of them. uWSGI 2.0, core/uwsgi.c: "force the specified protocol for default sockets". */
function uwsgiProtocol(values: Values): WireProtocol | undefined {
  const named = (values['protocol'] ?? values['socket-protocol'])?.value.trim();
  const known: Readonly<Record<string, WireProtocol>> = { uwsgi: 'uwsgi', http: 'http', http11: 'http', https: 'tls', fastcgi: 'fastcgi' };
  return named === undefined ? 'uwsgi' : known[named];
}

function addresses(item: Sourced<string>, options: { folder?: string; defaultPort?: number }, speaks: WireProtocol | undefined): Listen[] {
  return item.value.split(',').flatMap(part => {
    const address = parseListenAddress(part, options);
    return address === undefined ? [] : [{ address: { value: address, source: item.source }, ...(speaks === undefined ? {} : { speaks }) }];
  });
}

function portListen(item: Sourced<string>, host: string): Listen[] {
  const port = parsePort(item.value);
  return port === undefined ? [] : [{ address: { value: { kind: 'tcp', host, port }, source: item.source }, speaks: 'http' }];
}

function orDefault(found: Listen[], missing: boolean, host: string, port: number, program: string): readonly Listen[] {
  if (found.length > 0 || !missing) return found;
  return [{ address: { value: { kind: 'tcp', host, port }, source: `default of ${program}` }, speaks: 'http' }];
}

/** `80`, `192.0.2.1:8080`, `[::1]:443 https`. The protocol it names chooses modules; TLS is switched on in the virtual host. */
function apacheListen(item: Sourced<string>): Listen[] {
  const address = parseListenAddress(item.value.split(' ')[0] ?? '');
  return address?.kind === 'tcp' ? [{ address: { value: address, source: item.source } }] : [];
}

function connectors(values: Values): Listen[] {
  const found: Listen[] = [];
  for (let index = 0; index < 32; index++) {
    const port = values[`connector[${index}].port`];
    if (port === undefined) break;
    const number = parsePort(port.value);
    const isAjp = (values[`connector[${index}].protocol`]?.value ?? '').toUpperCase().includes('AJP');
    // Since the fix of CVE-2020-1938 an AJP connector binds to the loopback address unless told otherwise.
    const host = values[`connector[${index}].address`]?.value ?? (isAjp ? 'localhost' : '*');
    const isTls = values[`connector[${index}].SSLEnabled`]?.value === 'true';
    if (number !== undefined)
      found.push({ address: { value: { kind: 'tcp', host, port: number }, source: port.source }, speaks: isAjp ? 'ajp' : isTls ? 'tls' : 'http' });
  }
  return found;
}

/** Programs that nobody told us about: options whose names say "bind", with values that can only be addresses. */
function genericListen(values: Values, args: readonly string[]): Listen[] {
  const found: Listen[] = [];
  for (const name of ['bind', 'listen', 'addr', 'address', 'http', 'http-addr', 'listen-address', 'web.listen-address', 'socket']) {
    for (const item of allOf(values, name)) {
      if (/^(?:unix:)?\/.*[^/]$/.test(item.value) && !/^unix:|\.sock(?:et)?$/.test(item.value)) continue;
      found.push(...addresses(item, {}, undefined));
    }
  }
  if (found.length > 0) return found;
  const port = values['port'] ?? values['http-port'];
  const host = [values['host'], values['bind'], values['address'], values['hostname']].find(item => item !== undefined && item.value !== '')?.value ?? '*';
  if (port !== undefined && Number(port.value) >= 80) return portListen(port, host);
  return pythonServer(args);
}

/** `python -m http.server 8000`, `manage.py runserver 0.0.0.0:8000`. */
function pythonServer(args: readonly string[]): Listen[] {
  const source = 'command line';
  const server = args.findIndex(arg => arg === 'http.server' || arg === 'runserver');
  if (server < 0) return [];
  const isDjango = args[server] === 'runserver';
  const word = args.slice(server + 1).find(arg => !arg.startsWith('-')) ?? '8000';
  const port = parsePort(word);
  const bound = isDjango ? '127.0.0.1' : (args[args.findIndex(arg => arg === '--bind' || arg === '-b') + 1] ?? '');
  if (port !== undefined) return portListen({ value: word, source }, isDjango || args.includes('--bind') || args.includes('-b') ? bound : '*');
  return addresses({ value: word, source }, {}, 'http');
}

function javaOptions(args: readonly string[]): CommandOptions {
  const options: { name: string; value: string }[] = [];
  const rest: string[] = [];
  for (const arg of args) {
    const property = /^(?:-D|--)([\w.-]{1,200})=/.exec(arg);
    if (property !== null) options.push({ name: property[1] ?? '', value: arg.slice(property[0].length) });
    else if (!arg.startsWith('-')) rest.push(arg);
  }
  return { options, words: rest };
}

/** Files that the command line names as its configuration, absolute where `folder` (its working directory) is known. */
export function configFilesOf(service: ServiceKind, values: Values, argWords: readonly string[], folder: string | undefined): readonly string[] {
  const named = (...names: readonly string[]): string[] => names.flatMap(name => allOf(values, name).map(item => item.value));
  const full = (paths: readonly string[]): readonly string[] => paths.filter(path => path !== '').map(path => resolvePath(path, folder));
  switch (service) {
    case 'gunicorn': {
      const given = named('config').filter(path => !path.startsWith('python:'));
      const home = values['chdir']?.value;
      // Without -c, gunicorn reads gunicorn.conf.py of its working directory.
      return given.length > 0
        ? full(given.map(path => path.replace(/^file:/, '')))
        : full([home === undefined ? './gunicorn.conf.py' : `${home}/gunicorn.conf.py`]).filter(path => path.startsWith('/'));
    }
    case 'uwsgi':
      return full([...named('ini', 'yaml', 'yml'), ...argWords.filter(word => /\.(?:ini|ya?ml)$/.test(word))]);
    case 'tomcat':
      return full(named('catalina.base').map(base => `${base}/conf/server.xml`));
    case 'puma':
      return named('config').length > 0 ? full(named('config').filter(path => path !== '-')) : full(['./config/puma.rb']).filter(path => path.startsWith('/'));
    case 'unicorn':
      return full(named('config-file'));
    default:
      return [];
  }
}
