import type { LabHost } from '../host.ts';
import { waitForListener } from './listening.ts';
import { enable } from './unit.ts';

/** dnsmasq as the host's own name server: `{ 'app.internal': '127.0.0.1' }`; several addresses are given in turn. Every other name does not exist. */
export async function nameServer(
  host: LabHost,
  records: Readonly<Record<string, string | readonly string[]>>,
  { listen = '127.0.0.53', port = 53, system = true } = {},
): Promise<void> {
  const lines = Object.entries(records).flatMap(([name, addresses]) => [addresses].flat().map(address => `host-record=${name},${address}\n`));
  await host.write('/etc/dnsmasq.conf', `no-resolv\nno-hosts\nport=${port}\nlisten-address=${listen}\nbind-interfaces\nlocal=/#/\n${lines.join('')}`);
  await enable(host, 'dnsmasq.service');
  await host.restart('dnsmasq');
  await waitForListener(host, `${listen}:${port}`);
  if (system) await host.write('/etc/resolv.conf', `nameserver ${listen}\noptions timeout:1 attempts:1\n`);
}
