import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LabHost } from '../host.ts';

/** Where scripts/lab-packages.mjs puts the nginx of the next Debian release; hosts see it at the same path. */
const FOLDER = '/var/cache/badhop-lab/newer-nginx';

/** Why no host can upgrade its nginx, or `undefined` where one can. */
export function noNewerNginx(): string | undefined {
  return packages().length === 2
    ? undefined
    : `${FOLDER} does not hold the nginx of the next Debian release: npm test fetches it where a mirror can be reached`;
}

/** What `apt-get install nginx` of the next release comes to: dpkg puts it in place, and its scripts restart the server. */
export async function upgradeNginx(host: LabHost): Promise<void> {
  // It asks for OpenSSL under the name that it has there; the library itself is the same. Triggers of other packages take seconds and change nothing here.
  const log = await host.run(['dpkg', '--force-depends', '--force-confold', '--no-triggers', '--install', ...packages()], { timeoutMs: 60_000 });
  await host.until(`the newer nginx to serve\n${log}`, async () => (await host.exec(['systemctl', 'is-active', 'nginx'])).stdout.trim() === 'active');
}

function packages(): string[] {
  return existsSync(FOLDER)
    ? readdirSync(FOLDER)
        .filter(name => name.endsWith('.deb') && !name.startsWith('.'))
        .map(name => join(FOLDER, name))
    : [];
}
