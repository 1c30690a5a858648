import { defineLintRule, spotOf } from '../rule.ts';
import { targetsOf } from '../upstreams-used.ts';

/** nginx itself refuses a group without servers or with backup servers alone; it accepts one whose servers are all `down`. */
export default defineLintRule({
  meta: {
    id: 'upstream-all-down',
    title: 'A group of servers has none that nginx may ask',
    severity: 'error',
    fault: 'upstream-all-down',
  },
  *check(view) {
    const used = new Map([...targetsOf(view)].flatMap(({ pass, target }) => (target.upstream === undefined ? [] : [[target.upstream, pass] as const])));
    for (const upstream of view.upstreams) {
      const { directive, members, name, scope } = upstream;
      if (!scope.isWhole || members.some(member => !member.isDown && !member.isBackup)) continue;
      const pass = used.get(upstream);
      const related = pass === undefined ? [] : [{ at: spotOf(pass.directive), text: 'Requests are passed to it here.' }];
      const refused = members.every(member => member.isBackup);
      // A group that nobody asks and that nginx accepts does no harm.
      if (!refused && pass === undefined) continue;
      const message =
        members.length === 0
          ? `The upstream "${name}" has no servers; nginx does not start with it.`
          : refused
            ? `Every server of the upstream "${name}" is a backup; nginx does not start with a group that has no other.`
            : members.some(member => member.isBackup && !member.isDown)
              ? `Every server of the upstream "${name}" but its backup is marked \`down\`: all requests go to the backup.`
              : `Every server of the upstream "${name}" is marked \`down\`: each request ends at once in a 502, "no live upstreams while connecting to upstream".`;
      const onlyBackup = !refused && members.some(member => member.isBackup && !member.isDown);
      yield {
        at: spotOf(directive),
        message,
        advice: refused
          ? 'Give it a server without `backup`, or take the group out.'
          : 'Take `down` away from the servers that are up again, or pass the requests elsewhere.',
        related,
        ...(onlyBackup ? { severity: 'notice' as const } : {}),
      };
    }
  },
});
