import type { LabHost } from '../host.ts';
import { waitForListener } from './listening.ts';
import { runtimeDirectory, startUnit } from './unit.ts';

export interface PumaOptions {
  readonly name: string;
  /** `tcp://127.0.0.1:9292` or `unix:///run/shop/puma.sock`. */
  readonly bind: string;
  /** Lines of config/puma.rb. */
  readonly config?: readonly string[];
  /** What the application does before it answers: `sleep 0.5`. */
  readonly work?: string;
  readonly user?: string;
}

/** Debian's Puma with a Rack application in /srv/NAME and its config/puma.rb. */
export async function puma(host: LabHost, options: PumaOptions): Promise<void> {
  const { name, bind, config = ['threads 1, 5'], work = '', user = 'www-data' } = options;
  await host.write(`/srv/${name}/config.ru`, `run lambda { |env|\n  ${work}\n  [200, { "Content-Type" => "text/plain" }, ["${name}\\n"]]\n}\n`);
  await host.write(`/srv/${name}/config/puma.rb`, [`bind '${bind}'`, 'environment "production"', ...config, ''].join('\n'));
  const address = bind.replace(/^tcp:\/\//, '').replace(/^unix:\/\//, 'unix:');
  await startUnit(host, {
    unit: `${name}.service`,
    description: `${name} (Puma)`,
    exec: '/usr/bin/puma -C config/puma.rb config.ru',
    user,
    workdir: `/srv/${name}`,
    service: runtimeDirectory([address]),
  });
  await waitForListener(host, address, 15_000);
}
