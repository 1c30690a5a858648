import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readHistory } from '../../src/node/apply/history.ts';
import { recoverChanges } from '../../src/node/apply/recover.ts';
import { prepareState, stateFolder, takeLock, type StateFolder } from '../../src/node/apply/state-folder.ts';
import { createLocalHost } from '../../src/node/hosts/local.ts';
import { isRealNginx, pause, pictureOf, planFor, startSmallNginx } from './small-nginx.ts';

const driver = fileURLToPath(new URL('driver.ts', import.meta.url));

/** What was seen over many kills. */
export interface KillFigures {
  readonly kills: number;
  /** Kills that left a change open, by what the next run made of it. */
  readonly found: Readonly<Record<string, number>>;
  /** Requests that were answered meanwhile, and those that were not. */
  readonly answered: number;
  readonly unanswered: number;
  /** What no kill may leave. */
  readonly wrong: readonly string[];
}

/**
 * Kills a badhop that applies and undoes without end, so many times or for so long, at random moments, while requests go on. After each the next run recovers, and
 * then every file must be wholly old or wholly new, all of them the same, nothing may lie beside them, and nginx must pass its test.
 */
export async function killApplier(folder: string, most: number, forMs = Infinity): Promise<KillFigures> {
  const site = join(folder, 'site');
  mkdirSync(site);
  const stateRoot = join(folder, 'state');
  const small = await startSmallNginx(site);
  const old = pictureOf(site);
  const started = performance.now();
  const pictures = new Set([old, await pictureAfter(site, small.nginx, small.pid, join(folder, 'other-state'))]);
  // As long as a change and its undo take here, and a little more.
  const cycleMs = (performance.now() - started) * 1.1;
  const began = performance.now();
  let kills = 0;
  const found: Record<string, number> = {};
  const wrong: string[] = [];
  const load = startLoad(() => small.ask());
  const host = createLocalHost();
  const state = stateFolder(stateRoot);
  prepareState(state);
  try {
    for (; kills < most && performance.now() - began < forMs; kills++) {
      const kill = kills;
      await runAndKill([site, stateRoot, String(small.pid), small.nginx], Math.random() * cycleMs);
      const lock = await takeLock(state, 5000);
      if (lock === undefined) {
        wrong.push(`kill ${kill}: the lock outlived its owner`);
        continue;
      }
      for (const { outcome } of await recoverChanges(host, state)) found[outcome] = (found[outcome] ?? 0) + 1;
      lock.release();
      const now = pictureOf(site);
      if (!pictures.has(now)) wrong.push(`kill ${kill}: neither old nor new:\n${now}`);
      if (!small.test()) wrong.push(`kill ${kill}: the configuration fails its test`);
      if (existsSync(state.marker) || readdirSync(state.open).length > 0) wrong.push(`kill ${kill}: a change is still open`);
      const expected = now === old ? 'old' : 'new';
      forgetPast(state);
      if (isRealNginx && !(await comes(() => small.ask(), expected))) wrong.push(`kill ${kill}: nginx does not answer what its files say (${expected})`);
    }
  } finally {
    await small.stop();
  }
  const { answered, unanswered } = await load.stop();
  return { kills, found, answered, unanswered, wrong };
}

/** The files after the plan, made by a run that nobody kills, and then undone. */
async function pictureAfter(site: string, nginx: string, pid: number, stateRoot: string): Promise<string> {
  const [{ applyChange }, { prepareFix }, { chooseChange, prepareUndo }] = await Promise.all([
    import('../../src/node/apply/apply-change.ts'),
    import('../../src/node/apply/prepare.ts'),
    import('../../src/node/apply/prepare-undo.ts'),
  ]);
  const host = createLocalHost();
  const state = stateFolder(stateRoot);
  prepareState(state);
  const setup = { host, state, onStep: () => undefined };
  const done = await applyChange(setup, await prepareFix(host, { plan: planFor({ folder: site, pid, nginx }), toolVersion: 'test', mendsTest: false }));
  const picture = pictureOf(site);
  const undo = await prepareUndo(host, state, chooseChange(state, undefined), 'test');
  if (done.outcome !== 'applied' || 'outcome' in undo) throw new Error(JSON.stringify([done, undo]));
  await applyChange(setup, undo);
  return picture;
}

async function runAndKill(args: readonly string[], afterMs: number): Promise<void> {
  const child = spawn(process.execPath, [driver, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  await new Promise<void>((done, fail) => {
    child.stdout.once('data', () => done());
    child.once('exit', () => fail(new Error(`the driver ended by itself: ${said}`)));
  });
  await pause(afterMs);
  if (child.exitCode !== null) throw new Error(`the driver ended by itself: ${said}`);
  const gone = new Promise(done => {
    child.once('exit', done);
  });
  child.kill('SIGKILL');
  await gone;
}

function startLoad(ask: () => Promise<string | undefined>) {
  let answered = 0;
  let unanswered = 0;
  const ending = new AbortController();
  const loops = (isRealNginx ? [1, 2] : []).map(async () => {
    while (!ending.signal.aborted) {
      if ((await ask()) === undefined) unanswered++;
      else answered++;
      await pause(5);
    }
  });
  return {
    async stop() {
      ending.abort();
      await Promise.all(loops);
      return { answered, unanswered };
    },
  };
}

/** Changes that are not in force would only make the next run's look at the history longer. */
function forgetPast(state: StateFolder): void {
  for (const { id, result, record } of readHistory(state)) {
    if (result !== 'open' && (result !== 'applied' || record?.kind === 'undo')) rmSync(join(state.changes, id), { recursive: true });
  }
}

/** nginx takes up its files a moment after it was told to. */
async function comes(ask: () => Promise<string | undefined>, expected: string): Promise<boolean> {
  for (let tries = 0; tries < 150; tries++) {
    if ((await ask()) === expected) return true;
    await pause(20);
  }
  return false;
}
