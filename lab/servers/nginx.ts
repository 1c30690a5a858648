import type { LabHost } from '../host.ts';
import { enable } from './unit.ts';

export interface SiteOptions {
  /** File name under sites-enabled, without `.conf`. */
  readonly name: string;
  /** Default `80`; `443 ssl` and the like are allowed, several too. */
  readonly listen?: string | readonly string[];
  readonly serverName?: string;
  /** The server block's directives: locations, proxy_pass, … */
  readonly server: string;
  /** What stands above it at the http level: upstream blocks, maps, zones. */
  readonly http?: string;
  /** `combined` (default) says nothing of upstreams; `timed` logs who answered and when. */
  readonly log?: 'combined' | 'timed';
  /** Default: the global logs of Debian's nginx.conf. `own` gives the site files of its own under /var/log/nginx. */
  readonly logs?: 'global' | 'own';
}

const TIMED =
  `log_format timed '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" '\n` +
  `                 'rt=$request_time uct=$upstream_connect_time uht=$upstream_header_time urt=$upstream_response_time '\n` +
  `                 'us=$upstream_status ua=$upstream_addr ub=$upstream_bytes_received';\n`;

/** Writes a site; nginx is neither started nor reloaded. The path of the file is returned. */
export async function nginxSite(host: LabHost, options: SiteOptions): Promise<string> {
  const { name, listen = '80', serverName = '_', server, http = '', log = 'combined', logs = 'global' } = options;
  const own = logs === 'own' || log === 'timed';
  const access = own ? `    access_log /var/log/nginx/${logs === 'own' ? `${name}.access` : 'access'}.log ${log};\n` : '';
  const error = logs === 'own' ? `    error_log /var/log/nginx/${name}.error.log;\n` : '';
  if (log === 'timed') await host.write('/etc/nginx/conf.d/log-format.conf', TIMED);
  const path = `/etc/nginx/sites-enabled/${name}.conf`;
  const listens = [listen].flat().map(each => `    listen ${each};\n`);
  const head = `${http === '' ? '' : `${http.trim()}\n\n`}server {\n${listens.join('')}    server_name ${serverName};\n${access}${error}\n`;
  await host.write(path, `${head}${indent(server)}\n}\n`);
  return path;
}

function indent(text: string): string {
  const lines = text.replace(/^\n+|\s+$/g, '').split('\n');
  const margin = Math.min(...lines.filter(line => line.trim() !== '').map(line => line.length - line.trimStart().length));
  return lines.map(line => (line.trim() === '' ? '' : `    ${line.slice(margin)}`)).join('\n');
}

/** Starts Debian's unit, which checks the configuration first. */
export async function startNginx(host: LabHost): Promise<void> {
  await enable(host, 'nginx.service');
  await host.start('nginx');
}

/**
 * Reloads and waits until the new workers serve: the command returns before the master has acted, and a request sent
 * at once may still meet an old worker.
 */
export async function reloadNginx(host: LabHost): Promise<void> {
  const workers = async (): Promise<string[]> => (await host.exec(['pgrep', '-f', 'nginx: worker process$'])).stdout.split('\n').filter(Boolean);
  const before = await workers();
  await host.systemctl('reload', 'nginx');
  await host.until('nginx to have new workers', async () => {
    const now = await workers();
    return now.length > 0 && now.every(pid => !before.includes(pid));
  });
}

/** Replaces text in a file of the host; throws where it does not stand there. */
export async function replaceIn(host: LabHost, path: string, before: string, after: string): Promise<void> {
  const text = await host.read(path);
  if (!text.includes(before)) throw new Error(`${path} does not contain ${before}`);
  await host.shell('cat > "$1"', [path], { input: text.replaceAll(before, after) });
}

/** Directives for a location that hands requests to FastCGI, as Debian's snippet does it. */
export function fastcgiPass(address: string, root = '/var/www/html'): string {
  return `root ${root};
index index.php;
location / { try_files $uri $uri/ /index.php?$args; }
location ~ \\.php$ {
    include snippets/fastcgi-php.conf;
    fastcgi_pass ${address};
}`;
}
