import type { LabHost } from '../host.ts';
import { waitForListener } from './listening.ts';
import { enable } from './unit.ts';

/** Debian's caddy without its admin port and without certificates of its own, on `http://ADDRESS` with the given directives. */
export async function caddy(host: LabHost, { listen, config }: { listen: string; config: string }): Promise<void> {
  // A site without a host name answers whatever is asked; `bind` keeps it to the one address.
  const colon = listen.lastIndexOf(':');
  const bind = colon < 0 ? '' : `  bind ${listen.slice(0, colon)}\n`;
  await host.write('/etc/caddy/Caddyfile', `{\n  admin off\n  auto_https off\n}\nhttp://:${listen.slice(colon + 1)} {\n${bind}${config}\n}\n`);
  await enable(host, 'caddy.service');
  await host.restart('caddy');
  await waitForListener(host, listen);
}
