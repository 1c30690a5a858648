/**
 * After `tsc -b`: makes the program executable and removes what no source file stands behind any more,
 * so that a renamed file does not ship twice.
 */
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');

for (const entry of readdirSync(dist, { withFileTypes: true, recursive: true })) {
  const built = /^(.+?)(\.d\.ts|\.js)$/.exec(entry.name);
  if (!entry.isFile() || built === null) continue;
  const folder = entry.parentPath ?? entry.path; // `parentPath` came with Node 20.12
  if (!existsSync(join(root, 'src', relative(dist, folder), `${built[1]}.ts`))) rmSync(join(folder, entry.name));
}

const program = join(dist, 'cli/bin.js');
if (existsSync(program)) chmodSync(program, 0o755);
