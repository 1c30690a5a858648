import type { LabHost } from '../host.ts';
import { waitForListener } from './listening.ts';
import { enable } from './unit.ts';

/** Debian's varnish on an address of its own, with a VCL that needs no `vcl 4.1;` line. */
export async function varnish(host: LabHost, { listen, vcl }: { listen: string; vcl: string }): Promise<void> {
  await host.write('/etc/varnish/default.vcl', `vcl 4.1;\n${vcl}\n`);
  // The unit names its port on the command line, as an administrator changes it: in a drop-in.
  await host.write(
    '/etc/systemd/system/varnish.service.d/listen.conf',
    `[Service]\nExecStart=\nExecStart=/usr/sbin/varnishd -j unix,user=vcache -F -a ${listen} -f /etc/varnish/default.vcl -s malloc,16m -p feature=+http2\n`,
  );
  await enable(host, 'varnish.service');
  await host.systemctl('daemon-reload');
  await host.restart('varnish');
  await waitForListener(host, listen);
}
