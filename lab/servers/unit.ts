import type { LabHost } from '../host.ts';

export interface UnitOptions {
  /** `api.service`; the unit's file name. */
  readonly unit: string;
  readonly description?: string;
  readonly exec: string;
  readonly user?: string;
  readonly workdir?: string;
  /** More lines of the [Service] section: `{ Restart: 'always', RuntimeDirectory: 'api' }`. */
  readonly service?: Readonly<Record<string, string>>;
}

/** Writes and (re)starts a unit as an administrator would. */
export async function startUnit(host: LabHost, { unit, description = unit, exec, user = 'www-data', workdir, service = {} }: UnitOptions): Promise<void> {
  const lines = Object.entries({ User: user, ...(workdir !== undefined && { WorkingDirectory: workdir }), ExecStart: exec, ...service });
  await host.unitFile(
    unit,
    `[Unit]\nDescription=${description}\nAfter=network.target\n\n[Service]\n${lines.map(([key, value]) => `${key}=${value}\n`).join('')}\n[Install]\nWantedBy=multi-user.target\n`,
  );
  await enable(host, unit);
  // A unit of that name that runs already gets its new file.
  await host.restart(unit);
}

/** What `systemctl enable` leaves on disk, without its scripts: a unit that is meant to run is an enabled one. */
export async function enable(host: LabHost, unit: string): Promise<void> {
  const script = `for folder in /etc/systemd/system /lib/systemd/system; do
    [ -f "$folder/$1" ] && ln -sfn "$folder/$1" "/etc/systemd/system/multi-user.target.wants/$1" && exit 0
  done; exit 1`;
  await host.shell(script, [unit]);
}

/** `/run/api/api.sock` lies in a folder that the unit must bring along: `RuntimeDirectory=api`. */
export function runtimeDirectory(addresses: readonly string[]): Record<string, string> {
  const folders = addresses.flatMap(address => /^(?:unix:)?\/run\/([^/]+)\/[^/]+$/.exec(address)?.[1] ?? []);
  return folders.length > 0 ? { RuntimeDirectory: [...new Set(folders)].join(' ') } : {};
}
