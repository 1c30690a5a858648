import { defineLintRule, spotOf } from '../rule.ts';
import { membersPassedTo } from '../upstreams-used.ts';

/** A folder of one person: root's is closed to everybody (0700), those below /home are on most distributions since 2021. */
export default defineLintRule({
  meta: {
    id: 'socket-permission-denied',
    title: "The socket of a backend is in a person's own folder, which nginx may not enter",
    severity: 'warning',
    fault: 'socket-permission-denied',
  },
  *check(view) {
    // Workers that run as root enter every folder.
    if (view.main.inside.some(one => one.name === 'user' && one.args[0]?.value === 'root')) return;
    for (const { member } of membersPassedTo(view)) {
      const path = member.address.path ?? '';
      const isRoot = path.startsWith('/root/');
      if (!isRoot && !path.startsWith('/home/')) continue;
      const folder = isRoot ? '/root' : path.split('/').slice(0, 3).join('/');
      const name = path.split('/').findLast(part => part !== '') ?? 'app.sock';
      yield {
        at: spotOf(member.directive, member.token),
        message: `nginx's workers have to enter ${folder} to reach this socket, and ${isRoot ? 'only root may' : 'on most systems only its owner may'}: each request gets a 502, "Permission denied", whatever the rights of the socket itself are.`,
        advice: `Let the backend listen on /run/NAME/${name} (RuntimeDirectory=NAME in its unit), and write that path here.`,
        ...(isRoot ? {} : { severity: 'notice' as const }),
      };
    }
  },
});
