import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killApplier } from '../test/applier/kill.ts';
import { isRealNginx } from '../test/applier/small-nginx.ts';

/** Kills the applier at random moments while requests go on, and counts what is left: `node bench/kill-applier.ts [KILLS]`, 200 if not said. */
const kills = Number(process.argv[2] ?? 200);
const folder = mkdtempSync(join(tmpdir(), 'badhop-kill-'));
const started = performance.now();
try {
  const { found, answered, unanswered, wrong } = await killApplier(folder, kills);
  const inTheMiddle = Object.values(found).reduce((sum, count) => sum + count, 0);
  console.log(`${kills} kills in ${Math.round((performance.now() - started) / 1000)} s, ${isRealNginx ? 'with nginx' : 'with a stand-in for nginx'}`);
  console.log(`${inTheMiddle} of them amid a change: ${JSON.stringify(found)}`);
  console.log(`requests meanwhile: ${answered} answered, ${unanswered} not`);
  console.log(`left half written, open, or failing the test: ${wrong.length}`);
  for (const text of wrong) console.log(text);
  process.exitCode = wrong.length > 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
