import type { LabHost } from '../host.ts';
import { waitForListener } from './listening.ts';
import { enable } from './unit.ts';

export interface TomcatOptions {
  readonly port: number;
  readonly address?: string;
  /** `HTTP/1.1` (default) or `AJP/1.3`. */
  readonly protocol?: 'HTTP/1.1' | 'AJP/1.3';
  /** Attributes of the connector: `{ maxThreads: 4, acceptCount: 2 }`. */
  readonly attributes?: Readonly<Record<string, string | number>>;
  /** Files of the ROOT application; a `.jsp` is compiled at its first request, which takes seconds. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Debian's tomcat10 with one connector. Its start takes several seconds. */
export async function tomcat(host: LabHost, options: TomcatOptions): Promise<void> {
  const { port, address, protocol = 'HTTP/1.1', attributes = {}, files = { 'index.html': 'tomcat\n' } } = options;
  const all = {
    port,
    protocol,
    ...(address !== undefined && { address }),
    ...(protocol === 'AJP/1.3' && { secretRequired: 'false' }),
    connectionTimeout: 20_000,
    ...attributes,
  };
  const connector = Object.entries(all).map(([key, value]) => `${key}="${value}"`);
  await host.write(
    '/etc/tomcat10/server.xml',
    `<?xml version="1.0" encoding="UTF-8"?>
<Server port="-1" shutdown="SHUTDOWN">
  <Service name="Catalina">
    <Connector ${connector.join(' ')}/>
    <Engine name="Catalina" defaultHost="localhost">
      <Host name="localhost" appBase="webapps" unpackWARs="true" autoDeploy="false"/>
    </Engine>
  </Service>
</Server>
`,
    { owner: 'root:tomcat', mode: '640' },
  );
  // So that it starts in half the time: one compiler, one collector, no search of its jars for tag libraries.
  await host.write('/etc/default/tomcat10', 'JAVA_OPTS="-Djava.awt.headless=true -XX:TieredStopAtLevel=1 -XX:+UseSerialGC"\n');
  await host.shell('echo "tomcat.util.scan.StandardJarScanFilter.jarsToSkip=*" >> /etc/tomcat10/catalina.properties');
  for (const [name, text] of Object.entries(files)) await host.write(`/var/lib/tomcat10/webapps/ROOT/${name}`, text, { owner: 'tomcat:tomcat' });
  await enable(host, 'tomcat10.service');
  await host.restart('tomcat10');
  await waitForListener(host, String(port), 60_000);
}
