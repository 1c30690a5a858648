import { defineCollector } from '../model/collector.ts';
import { known } from '../model/fact.ts';
import type { ManagedProgram } from '../model/facts/managed-program.ts';
import { pidsInContainers } from './shared/containers.ts';
import { findLostPm2Homes, findPm2Daemons, readPm2 } from './shared/pm2-programs.ts';
import { findSupervisors, readSupervisor } from './shared/supervisor-programs.ts';

/** Managers that are looked into; a host has one or two. */
const maxManagers = 12;

export default defineCollector({
  id: 'managed-programs',
  title: 'Programs that pm2 and supervisord keep running',
  needs: ['processes'],
  *collect(facts, context) {
    if (facts.processes.state !== 'known') return facts.processes;
    const processes = facts.processes.value;
    const problems: string[] = [];
    const daemons = yield* findPm2Daemons(processes, problems);
    const every = [...daemons, ...findSupervisors(processes), ...(yield* findLostPm2Homes(daemons, context))];
    const contained = yield* pidsInContainers(every.flatMap(one => one.process?.pid ?? []));
    // What runs in a container has paths of its own.
    const managers = every.filter(one => one.process === undefined || !contained.has(one.process.pid)).slice(0, maxManagers);
    if (contained.size > 0) problems.push(`${contained.size} process managers run in containers and were left out (run badhop there to see their programs)`);
    const programs: ManagedProgram[] = [];
    for (const manager of managers)
      programs.push(
        ...(manager.kind === 'pm2' ? yield* readPm2(manager, processes, context, problems) : yield* readSupervisor(manager, processes, context, problems)),
      );
    return known(withUniqueIds(programs), problems);
  },
});

/** Two daemons may each have an app of one name: then the user tells them apart. */
function withUniqueIds(programs: readonly ManagedProgram[]): readonly ManagedProgram[] {
  const counts = new Map<string, number>();
  for (const { id } of programs) counts.set(id, (counts.get(id) ?? 0) + 1);
  return programs.map(program =>
    (counts.get(program.id) ?? 0) < 2
      ? program
      : { ...program, id: `${program.id}@${program.user ?? program.home}`, label: `${program.label} of ${program.user ?? program.home}` },
  );
}
