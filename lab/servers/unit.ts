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
  // A unit of that name that runs already gets its new file.
  await host.restart(unit);
}

/** `/run/api/api.sock` lies in a folder that the unit must bring along: `RuntimeDirectory=api`. */
export function runtimeDirectory(addresses: readonly string[]): Record<string, string> {
  const folders = addresses.flatMap(address => /^(?:unix:)?\/run\/([^/]+)\/[^/]+$/.exec(address)?.[1] ?? []);
  return folders.length > 0 ? { RuntimeDirectory: [...new Set(folders)].join(' ') } : {};
}
