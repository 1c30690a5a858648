import type { LabHost } from '../host.ts';
import { waitForListener } from './listening.ts';
import { enable } from './unit.ts';

/** Debian's haproxy as one HTTP frontend over the given servers. */
export async function haproxy(
  host: LabHost,
  { listen, servers, options = '' }: { listen: string; servers: readonly string[]; options?: string },
): Promise<void> {
  const lines = servers.map((server, index) => `  server s${index + 1} ${server}\n`);
  await haproxyOf(host, listen, `listen app\n  bind ${listen}\n${options}${lines.join('')}`);
}

/** The same with sections of one's own; `listen` is what is waited for. */
export async function haproxyOf(host: LabHost, listen: string, sections: string): Promise<void> {
  await host.write(
    '/etc/haproxy/haproxy.cfg',
    `global\n  log /dev/log local0\n  user haproxy\n  group haproxy\ndefaults\n  log global\n  mode http\n  option httplog\n  timeout connect 5s\n  timeout client 50s\n  timeout server 50s\n${sections}`,
  );
  await enable(host, 'haproxy.service');
  await host.restart('haproxy');
  await waitForListener(host, listen);
}
