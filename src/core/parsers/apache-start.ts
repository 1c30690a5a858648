/**
 * Which configuration an httpd was started with, by its command line. Sources: httpd 2.4 server/main.c; apache2ctl and
 * apache2@.service of Debian; httpd.service of Red Hat; start_apache2 of SUSE. Samples:
 *
 *   /usr/sbin/apache2 -d /etc/apache2-shop -k start        /usr/sbin/httpd -DFOREGROUND
 *   /usr/sbin/apachectl start                              /opt/httpd/bin/httpd -f /srv/httpd.conf -C "Listen 81"
 */
import { baseName } from './backend-command.ts';
import { allOf, readBackendOptions } from './backend-options.ts';
import { resolvePath } from './listen-address.ts';

export interface ApacheCommand {
  /** Main files in the order in which they may be the one. */
  readonly mains: readonly string[];
  readonly serverRoot?: string;
  readonly defines: readonly string[];
  readonly before: readonly string[];
  readonly after: readonly string[];
}

const debian = ['/etc/apache2/apache2.conf', '/etc/apache2/httpd.conf'];
const redHat = ['/etc/httpd/conf/httpd.conf', '/usr/local/apache2/conf/httpd.conf'];
const program = /^(?:apache2|httpd|start_apache2|apachectl|apache2ctl)(?:[-.][\w-]+)?$/;

/** `unit` and `exe` tell where the command line does not: the instance of a template, the prefix of a build of one's own. */
export function readApacheCommand(argv: readonly string[], place: { readonly unit?: string; readonly exe?: string; readonly folder?: string }): ApacheCommand {
  const at = argv.findIndex(word => program.test(baseName(word)));
  const path = argv[at] ?? '';
  const { values } = readBackendOptions('apache', argv.slice(at + 1), 'argv');
  const named = (name: string): readonly string[] => allOf(values, name).map(item => item.value);
  const given = named('server-root').at(-1);
  const instance = /^apache2@(.+)\.service$/.exec(place.unit ?? '')?.[1] ?? /^apache2ctl-(.+)$/.exec(baseName(path))?.[1];
  const root = given === undefined ? (instance === undefined ? undefined : `/etc/apache2-${instance}`) : resolvePath(given, place.folder);
  const file = named('config').at(-1);
  const serverRoot = root?.startsWith('/') === true ? root : undefined;
  return {
    mains: file === undefined ? defaults(path, place.exe, serverRoot) : [resolvePath(file, serverRoot ?? defaultRoot(path))].filter(one => one.startsWith('/')),
    ...(serverRoot === undefined ? {} : { serverRoot }),
    defines: named('define'),
    before: named('directive-before'),
    after: named('directive-after'),
  };
}

function defaults(path: string, exe: string | undefined, root: string | undefined): readonly string[] {
  if (root !== undefined) return [`${root}/apache2.conf`, `${root}/conf/httpd.conf`, `${root}/httpd.conf`];
  const own = [path, (exe ?? '').replace(/ \(deleted\)$/, '')].flatMap(one => /^(\/.+)\/bin\/[^/]+$/.exec(one)?.[1] ?? []).filter(one => one !== '/usr');
  const prefixed = [...new Set(own)].map(prefix => `${prefix}/conf/httpd.conf`);
  return [...prefixed, ...(baseName(path).startsWith('httpd') ? [...redHat, ...debian] : [...debian, ...redHat])];
}

function defaultRoot(path: string): string {
  return baseName(path).startsWith('httpd') ? '/etc/httpd' : '/etc/apache2';
}
