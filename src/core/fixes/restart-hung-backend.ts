import { defineFix } from '../model/fix.ts';
import type { FixStep } from '../model/finding.ts';
import { textOf } from '../model/fix-data.ts';
import { managerCommand, programOf } from '../model/program-commands.ts';

const mostPids = 20;

/** What hangs is looked at before it is gone: afterwards nobody can tell why it hung. */
export default defineFix({
  id: 'restart-hung-backend',
  fixes: ['backend-hung'],
  plan(finding) {
    // The unit is the manager's then: restarting it would restart whatever else it runs.
    const program = programOf(finding.fixData);
    const unit = program === undefined ? textOf(finding.fixData, 'unit') : undefined;
    const listed = finding.fixData?.['pids'];
    const pids = (Array.isArray(listed) ? listed : []).filter(pid => typeof pid === 'number').slice(0, mostPids);
    const look: FixStep[] =
      pids.length === 0
        ? []
        : [
            {
              kind: 'command',
              argv: ['ps', '-o', 'pid,ppid,stat,wchan:32,time,args', '-p', pids.join(',')],
              disruptive: false,
              why: 'shows what each process waits in, before that is gone',
            },
          ];
    const isStopped = finding.fixData?.['isStopped'] === true;
    const verify = `A direct request to ${finding.subject.peers.join(' and ')} is answered.`;
    if (isStopped && (unit !== undefined || pids.length > 0)) {
      const signal = (name: string): readonly string[] =>
        unit === undefined ? ['kill', '-s', name, ...pids.map(String)] : ['systemctl', 'kill', '-s', name, unit];
      const go: FixStep = {
        kind: 'command',
        argv: signal('CONT'),
        undo: signal('STOP'),
        disruptive: false,
        why: 'lets the stopped processes go on where they were',
      };
      return {
        id: 'restart-hung-backend',
        summary: `Let the stopped processes of ${finding.subject.name} go on`,
        automatic: true,
        risk: 'low',
        minutes: 1,
        steps: [...look, go],
        validate: [],
        verify,
      };
    }
    const restartArgv =
      program !== undefined ? managerCommand(program, 'restart', program.name) : unit === undefined ? undefined : ['systemctl', 'restart', unit];
    if (restartArgv === undefined) return undefined;
    const isStuck = finding.fixData?.['how'] === 'frozen';
    const stack: FixStep = {
      kind: 'manual',
      text: isStuck
        ? 'Processes in uninterruptible sleep wait for a disk or a network file system, and no restart ends that: see to the storage first.'
        : 'For the place in the program, take its stack before the restart.',
      commands: isStuck
        ? ['dmesg | grep -i "blocked for more than"', 'cat /proc/mounts']
        : pids.slice(0, 3).flatMap(pid => [`cat /proc/${pid}/stack`, `gdb -p ${pid} -batch -ex "thread apply all bt"`]),
    };
    const restart: FixStep = { kind: 'command', argv: restartArgv, disruptive: true, why: 'what it works on is lost' };
    return {
      id: 'restart-hung-backend',
      summary: `Look at what ${finding.subject.name} waits in, then restart it`,
      automatic: !isStuck && finding.confidence === 'confirmed',
      risk: 'medium',
      minutes: 5,
      steps: finding.confidence === 'confirmed' && !isStuck ? [...look, restart] : [...look, stack, restart],
      validate: [],
      verify,
    };
  },
});
