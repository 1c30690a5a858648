import type { LabHost } from '../host.ts';
import { waitForListener } from './listening.ts';
import { enable } from './unit.ts';

export interface ApacheOptions {
  /** `8081`, `127.0.0.1:8081`. */
  readonly listen: string;
  /** Modules to enable beside Debian's own. */
  readonly modules?: readonly string[];
  /** Directives of the virtual host. */
  readonly config?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly root?: string;
}

/** Debian's apache2 as a backend on a port of its own. */
export async function apacheBackend(host: LabHost, options: ApacheOptions): Promise<void> {
  const { listen, modules = [], config = '', files = { 'index.html': 'apache\n' }, root = '/var/www/apache' } = options;
  for (const [name, text] of Object.entries(files)) await host.write(`${root}/${name}`, text);
  if (modules.length > 0) await host.run(['a2enmod', '-q', ...modules]);
  await host.write('/etc/apache2/ports.conf', `Listen ${listen}\n`);
  await host.write(
    '/etc/apache2/sites-enabled/000-default.conf',
    `ServerName localhost\n<VirtualHost *:${listen.slice(listen.lastIndexOf(':') + 1)}>\n  DocumentRoot ${root}\n  <Directory ${root}>\n    Require all granted\n  </Directory>\n${config}\n</VirtualHost>\n`,
  );
  await enable(host, 'apache2.service');
  await host.restart('apache2');
  await waitForListener(host, listen);
}
