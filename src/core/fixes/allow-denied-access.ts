import { defineFix } from '../model/fix.ts';
import { numberOf, textOf } from '../model/fix-data.ts';

/** Allows that one access. A policy is a person's to change: the commands are shown, and mandatory access control stays on. */
export default defineFix({
  id: 'allow-denied-access',
  fixes: ['selinux-denied', 'apparmor-denied'],
  plan(finding) {
    const data = finding.fixData;
    const isSelinux = textOf(data, 'by') === 'selinux';
    const port = numberOf(data, 'port');
    const domain = textOf(data, 'domain') ?? '';
    const path = textOf(data, 'path');
    return {
      id: 'allow-denied-access',
      summary: `Allow nginx to connect to ${finding.subject.peers.join(', ')}`,
      automatic: false,
      risk: 'medium',
      minutes: 5,
      steps: [isSelinux ? selinux(domain, port, path) : apparmor(domain, path)],
      validate: [],
      verify: 'Requests through nginx succeed, and no new denial of nginx is recorded.',
    };
  },
});

function selinux(domain: string, port: number | undefined, path: string | undefined) {
  const look = 'ausearch -m avc -ts recent -c nginx | audit2why';
  if (port !== undefined && domain === 'httpd_t')
    return {
      kind: 'manual',
      text: 'Let the web server connect to backends: the first command allows all ports, the second this one alone (choose one). Leave SELinux enforcing.',
      commands: [look, 'setsebool -P httpd_can_network_connect on', `semanage port -a -t http_port_t -p tcp ${port}`],
    } as const;
  const file = path?.startsWith('/') === true && /^[\w./@+-]+$/.test(path) ? path : 'PATH-OF-THE-SOCKET';
  return {
    kind: 'manual',
    text: 'Give the socket the type that a web server may connect to, or make a policy module of the denial after reading it. Leave SELinux enforcing.',
    commands: [look, `semanage fcontext -a -t httpd_var_run_t '${file}'`, `restorecon -v '${file}'`],
  } as const;
}

function apparmor(profile: string, path: string | undefined) {
  const rule = path === undefined ? 'network inet stream, and network inet6 stream,' : `${path} rw,`;
  return {
    kind: 'manual',
    text: `Write the rule "${rule}" into the profile ${profile}, in its file below /etc/apparmor.d (or in local/ beside it), and load it anew. Leave the profile enforcing.`,
    commands: ['aa-status', 'aa-logprof', 'systemctl reload apparmor'],
  } as const;
}
