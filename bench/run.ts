/** All benchmarks that judge speed, one after the other: `npm run build && npm run bench`. Ends with 1 where one misses a limit. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const parts = process.argv.slice(2);
const known = ['diagnose', 'lint', 'logs'];
const unknown = parts.filter(part => !known.includes(part));
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}. Name some of ${known.join(', ')}, or none for all.`);
  process.exitCode = 2;
} else {
  for (const part of parts.length > 0 ? parts : known) {
    const { status } = spawnSync(process.execPath, [fileURLToPath(new URL(`./${part}.ts`, import.meta.url))], { stdio: 'inherit' });
    if (status !== 0) process.exitCode = status ?? 1;
  }
}
