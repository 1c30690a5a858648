/** A process of its own that changes and undoes a small nginx without end, until it is killed. Arguments: folder, state, pid, nginx. */
import { applyChange } from '../../src/node/apply/apply-change.ts';
import { readHistory } from '../../src/node/apply/history.ts';
import { prepareFix } from '../../src/node/apply/prepare.ts';
import { chooseChange, prepareUndo } from '../../src/node/apply/prepare-undo.ts';
import { recoverChanges } from '../../src/node/apply/recover.ts';
import { prepareState, stateFolder, takeLock } from '../../src/node/apply/state-folder.ts';
import { createLocalHost } from '../../src/node/hosts/local.ts';
import { planFor } from './small-nginx.ts';

const [folder = '', stateRoot = '', pid = '', nginx = ''] = process.argv.slice(2);
const host = createLocalHost();
const state = stateFolder(stateRoot);
const onStep = (): void => undefined;
const verify = async () => {
  await new Promise(done => {
    setTimeout(done, 15);
  });
  return { state: 'ended', text: 'quiet', seconds: 0 } as const;
};

prepareState(state);
const lock = await takeLock(state);
if (lock === undefined) throw new Error('the lock is taken');
await recoverChanges(host, state);
process.stdout.write('ready\n');
for (;;) {
  if (!readHistory(state).some(one => one.result === 'applied' && one.record?.kind === 'fix')) {
    const plan = planFor({ folder, pid: Number(pid), nginx });
    const done = await applyChange({ host, state, onStep, verify }, await prepareFix(host, { plan, toolVersion: 'test', mendsTest: false }));
    if (done.outcome !== 'applied') throw new Error(JSON.stringify(done));
  }
  const prepared = await prepareUndo(host, state, chooseChange(state, undefined), 'test');
  if ('outcome' in prepared) throw new Error(JSON.stringify(prepared));
  const undone = await applyChange({ host, state, onStep }, prepared);
  if (undone.outcome !== 'applied') throw new Error(JSON.stringify(undone));
}
