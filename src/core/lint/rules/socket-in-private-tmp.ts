import { defineLintRule, spotOf } from '../rule.ts';
import { membersPassedTo } from '../upstreams-used.ts';

/** Units with PrivateTmp=yes, which nginx, php-fpm and many others are by their packages, have a /tmp of their own. */
export default defineLintRule({
  meta: {
    id: 'socket-in-private-tmp',
    title: 'The socket of a backend is in a folder that each service sees for itself',
    severity: 'warning',
    fault: 'socket-in-private-tmp',
  },
  *check(view) {
    for (const { member } of membersPassedTo(view)) {
      const path = member.address.path ?? '';
      const folder = ['/tmp/', '/var/tmp/'].find(each => path.startsWith(each));
      if (folder === undefined) continue;
      const name = path.split('/').findLast(part => part !== '') ?? 'app.sock';
      yield {
        at: spotOf(member.directive, member.token),
        message: `Under systemd, nginx and its backends usually have a ${folder.slice(0, -1)} of their own (PrivateTmp=yes): the backend makes the socket in its own, nginx looks in another, and each request gets a 502, "No such file or directory", though the file is there.`,
        advice: `Let the backend listen on /run/NAME/${name} (RuntimeDirectory=NAME in its unit), and write that path here.`,
      };
    }
  },
});
