import type { LabHost } from '../host.ts';

/** A `[program:NAME]` of /etc/supervisor/conf.d/NAME.conf; `settings` are its further lines, as `key: value`. */
export interface SupervisorProgram {
  readonly name: string;
  readonly command: string;
  readonly user?: string;
  readonly settings?: Readonly<Record<string, string>>;
}

/** Writes the program's file. `startSupervisor` or `supervisorctl update` takes it up. */
export async function supervisorProgram(host: LabHost, { name, command, user = 'www-data', settings = {} }: SupervisorProgram): Promise<void> {
  const lines = [`[program:${name}]`, `command=${command}`, `user=${user}`, ...Object.entries(settings).map(([key, value]) => `${key}=${value}`)];
  await host.write(`/etc/supervisor/conf.d/${name}.conf`, `${lines.join('\n')}\n`);
}

/** Debian's own unit of supervisord. */
export async function startSupervisor(host: LabHost): Promise<void> {
  await host.run(['mkdir', '-p', '/var/log/supervisor']);
  await host.start('supervisor');
}
