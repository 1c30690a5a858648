import { valueOr } from '../../model/fact.ts';
import type { Facts } from '../../model/facts.ts';
import type { BackendCommand } from '../../model/facts/backend.ts';
import type { Change } from '../../model/facts/changes.ts';
import type { ConfigDirective } from '../../model/facts/nginx.ts';

/** A path whose times tell when something was changed. */
export interface Place {
  readonly path: string;
  readonly kind: Extract<Change['kind'], 'config-file' | 'certificate' | 'deploy'>;
  /** `text`: a configuration that may have a backup beside it. `link`: only where it is a link. */
  readonly as: 'text' | 'file' | 'folder' | 'link';
  /** Services that it concerns; `undefined` for any. */
  readonly serviceIds: readonly string[] | undefined;
  /** Where they were read before. */
  readonly times?: { readonly modifiedMs: number; readonly changedMs: number };
}

export type PlaceFacts = Pick<Facts, 'nginx-config' | 'php-fpm-pools' | 'backend-configs' | 'systemd-units' | 'services' | 'processes'>;

const certificateDirective = /^(?:(?:proxy|grpc|uwsgi)_)?ssl_(?:certificate|certificate_key|client_certificate|trusted_certificate|crl)$/;
const certificateOptions = ['certfile', 'keyfile', 'ca-certs', 'ssl-certfile', 'ssl-keyfile'];
const resolving = ['/etc/hosts', '/etc/resolv.conf', '/etc/nsswitch.conf'];
// They are written to all the time, by anybody.
const common = new Set(['/', '/tmp', '/run', '/var', '/var/run', '/var/tmp', '/var/lib', '/var/log', '/root', '/home', '/dev', '/etc', '/usr', '/opt', '/srv']);
// What changes with a deployment where the folder itself does not: an edit in place leaves its time.
const telling = [
  '.git/logs/HEAD',
  'REVISION',
  '.env',
  'package.json',
  'package-lock.json',
  'composer.lock',
  'index.php',
  'requirements.txt',
  'tmp/restart.txt',
];
const mostDeployed = 30;
const scriptEndings = ['.js', '.mjs', '.cjs', '.ts', '.py', '.rb', '.jar', '.war', '.php', '.ru'];

/** Every file and folder worth a look, each once. */
export function changePlaces(facts: PlaceFacts): readonly Place[] {
  const places = new Map<string, Place>();
  const add = (place: Place): void => {
    const { path } = place;
    if (!path.startsWith('/') || path.includes('\0') || path.length > 4000 || (place.as === 'folder' && common.has(path))) return;
    const before = places.get(path);
    if (before === undefined) places.set(path, place);
    else places.set(path, { ...before, serviceIds: before.serviceIds && place.serviceIds && [...new Set([...before.serviceIds, ...place.serviceIds])] });
  };
  const services = valueOr(facts.services, []);
  const owners = (path: string): readonly string[] | undefined => {
    const ids = services.filter(service => service.configFiles.includes(path)).map(service => service.id);
    return ids.length === 0 ? undefined : ids;
  };
  const text = (path: string, serviceIds = owners(path)): void => add({ path, kind: 'config-file', as: 'text', serviceIds });
  for (const path of resolving) text(path, undefined);
  for (const config of valueOr(facts['nginx-config'], [])) {
    for (const { path, modifiedMs, changedMs } of config.files) {
      const times = modifiedMs === undefined || changedMs === undefined ? {} : { times: { modifiedMs, changedMs } };
      add({ path, kind: 'config-file', as: 'text', serviceIds: undefined, ...times });
    }
    const folder = folderOf(config.mainPath);
    // A file that was taken away shows in its folder alone.
    for (const path of new Set(config.files.map(file => folderOf(file.path)))) add({ path, kind: 'config-file', as: 'folder', serviceIds: undefined });
    for (const place of namedInNginx(config.directives, folder)) add(place);
  }
  for (const pool of valueOr(facts['php-fpm-pools'], undefined)?.pools ?? []) {
    for (const path of [pool.path, pool.mainConfig]) text(path);
    add({ path: folderOf(pool.path), kind: 'config-file', as: 'folder', serviceIds: undefined });
    add({
      path: `${folderOf(pool.mainConfig)}/php.ini`,
      kind: 'config-file',
      as: 'text',
      serviceIds: owners(pool.mainConfig),
    });
  }
  for (const service of services) for (const path of service.configFiles) text(path);
  for (const unit of valueOr(facts['systemd-units'], [])) {
    const ids = services.filter(service => service.unit === unit.name).map(service => service.id);
    if (ids.length === 0) continue;
    for (const path of [unit.fragmentPath ?? '', ...unit.dropIns]) text(path, ids);
    for (const named of unit.environmentFiles ?? []) add({ path: plainPath(named), kind: 'config-file', as: 'file', serviceIds: ids });
    for (const place of deployment(unit.workingDirectory, ids)) add(place);
  }
  const processes = new Map(valueOr(facts.processes, []).map(process => [process.pid, process]));
  for (const command of valueOr(facts['backend-configs'], undefined)?.commands ?? []) {
    const service = command.inContainer === true ? undefined : services.find(each => isOf(command, each.masterPid, each.workerPids));
    if (service === undefined || command.of.kind !== 'process') continue;
    const folder = processes.get(command.of.pid)?.cwd;
    const ids = [service.id];
    for (const place of deployment(folder, ids)) add(place);
    for (const path of entryFiles(command.app, folder)) add({ path, kind: 'deploy', as: 'file', serviceIds: ids });
    for (const option of certificateOptions) {
      const path = command.values[option]?.value;
      if (path !== undefined) add({ path, kind: 'certificate', as: 'file', serviceIds: ids });
    }
  }
  const all = [...places.values()];
  // Last, as there are many of them and few are there.
  for (const { path, kind, serviceIds } of all.filter(place => place.kind === 'deploy' && place.as === 'folder').slice(0, mostDeployed))
    for (const name of telling) add({ path: `${path}/${name}`, kind, as: 'file', serviceIds });
  return [...places.values()];
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

/** Certificates and roots that the configuration names without variables. */
function namedInNginx(directives: readonly ConfigDirective[], folder: string): readonly Place[] {
  const found: Place[] = [];
  const visit = (list: readonly ConfigDirective[], depth: number): void => {
    for (const { name, args, block, included } of list) {
      const value = args[0]?.value ?? '';
      const isPlain = value !== '' && !value.includes('$') && !value.includes(':');
      if (isPlain && certificateDirective.test(name)) {
        const path = value.startsWith('/') ? value : `${folder}/${value}`;
        found.push({ path, kind: 'certificate', as: 'file', serviceIds: undefined });
      } else if (isPlain && (name === 'root' || name === 'alias')) found.push(...deployment(value, undefined));
      if (depth > 20) continue;
      if (block !== undefined) visit(block, depth + 1);
      for (const file of included ?? []) visit(file.directives, depth + 1);
    }
  };
  visit(directives, 0);
  return found;
}

/** A folder that code is deployed to, the links on the way to it, and a `current` beside its releases. */
function deployment(folder: string | undefined, serviceIds: readonly string[] | undefined): readonly Place[] {
  if (folder === undefined || !folder.startsWith('/')) return [];
  const path = plainPath(folder).replace(/\/{1,8}$/, '');
  if (path === '' || common.has(path)) return [];
  const parents: string[] = [];
  for (let end = path.lastIndexOf('/'); end > 0 && parents.length < 4; end = path.lastIndexOf('/', end - 1)) parents.push(path.slice(0, end));
  const links = parents.flatMap(parent => (common.has(parent) ? [] : [parent, `${parent}/current`]));
  return [
    { path, kind: 'deploy', as: 'folder', serviceIds },
    ...links.filter(link => link !== path).map(link => ({ path: link, kind: 'deploy', as: 'link', serviceIds }) as const),
  ];
}

/** The files that the command's application may be: `server.js`, `wsgi.py` of `wsgi:app`. */
function entryFiles(app: string | undefined, folder: string | undefined): readonly string[] {
  if (app === undefined || app === '') return [];
  const inFolder = (name: string): readonly string[] => (name.startsWith('/') ? [name] : folder === undefined ? [] : [`${folder}/${name}`]);
  if (scriptEndings.some(ending => app.endsWith(ending))) return inFolder(app);
  const module = app.split(':', 1)[0] ?? '';
  return /^[\w.]{1,200}$/.test(module) ? inFolder(`${module.replaceAll('.', '/')}.py`) : [];
}

function isOf({ of }: BackendCommand, masterPid: number | undefined, workerPids: readonly number[]): boolean {
  return of.kind === 'process' && (of.pid === masterPid || workerPids.includes(of.pid));
}

/** systemd's `-/etc/default/shop` and `/etc/default/shop (ignore_errors=yes)` without what is not the path. */
function plainPath(written: string): string {
  const path = written.startsWith('-') ? written.slice(1) : written;
  const end = path.indexOf(' (');
  return end === -1 ? path : path.slice(0, end);
}
