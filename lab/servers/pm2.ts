import { join } from 'node:path';
import { REPOSITORY, nodeBinary } from '../host.ts';
import type { LabHost } from '../host.ts';

/** Installed by scripts/lab-packages.mjs. */
export const PM2_PROGRAM = join(REPOSITORY, '.lab/pm2/node_modules/pm2/bin/pm2');

export interface Pm2Options {
  /** Whose daemon it is; the user is made where the host does not have it. */
  readonly user: string;
  /** PM2_HOME; default: `.pm2` in the user's home. */
  readonly home?: string;
  /** How often it looks at the memory of its apps. PM2's own default is 30 seconds. */
  readonly workerMs?: number;
}

/** One user's PM2: its daemon starts with the first command. */
export interface Pm2 {
  readonly home: string;
  /** `pm2('start', '/srv/api/server.cjs', '--name', 'api', '--', '3100')`. */
  (...args: readonly string[]): Promise<string>;
}

const PREPARE = `
id "$1" >/dev/null 2>&1 || useradd --create-home --home-dir "$2" "$1"
chmod 700 "$2"
install -d -o "$1" "$3"
printf '#!/bin/sh\\nexec %s %s "$@"\\n' "$4" "$5" > /usr/local/bin/pm2
chmod 755 /usr/local/bin/pm2
ln -sfn "$4" /usr/local/bin/node
`;

/** Makes the user and puts `pm2` and `node` into its PATH. The daemon starts with the first command. */
export async function pm2Of(host: LabHost, options: Pm2Options): Promise<Pm2> {
  const { user, workerMs = 30_000 } = options;
  const folder = user === 'root' ? '/root' : `/home/${user}`;
  const home = options.home ?? `${folder}/.pm2`;
  await host.shell(PREPARE, [user, folder, home, nodeBinary(), PM2_PROGRAM]);
  const env = { HOME: folder, USER: user, PM2_HOME: home, PM2_DISABLE_VERSION_CHECK: '1', PM2_WORKER_INTERVAL: String(workerMs) };
  const call = (...args: readonly string[]): Promise<string> => host.run(['pm2', ...args], { user, env, cwd: folder, timeoutMs: 20_000 });
  return Object.assign(call, { home });
}
