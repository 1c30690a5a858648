import { numberOf, textOf } from '../model/fix-data.ts';
import { defineFix, lineDiff } from '../model/fix.ts';

/** Above the ports that most servers listen on. */
const wanted = '10240 65535';
const wantedPorts = 55_296;
const path = '/etc/sysctl.d/90-badhop-local-ports.conf';

/** Widens the range of local ports, at once and for the next boot. */
export default defineFix({
  id: 'allow-more-local-ports',
  fixes: ['ephemeral-ports-exhausted'],
  plan(finding) {
    const ports = numberOf(finding.fixData, 'ports') ?? 0;
    const range = textOf(finding.fixData, 'range') ?? '';
    if (ports === 0 || ports >= wantedPorts * 0.9) return undefined;
    const after = `net.ipv4.ip_local_port_range = ${wanted}\n`;
    return {
      id: 'allow-more-local-ports',
      summary: `Let connections use ${wantedPorts} local ports instead of ${ports}`,
      automatic: finding.confidence !== 'possible',
      risk: 'low',
      minutes: 1,
      steps: [
        { kind: 'edit', path, before: '', after, diff: lineDiff(path, 1, '', after) },
        {
          kind: 'command',
          argv: ['sysctl', '-w', `net.ipv4.ip_local_port_range=${wanted}`],
          undo: ['sysctl', '-w', `net.ipv4.ip_local_port_range=${range}`],
          disruptive: false,
          why: 'the kernel takes it for the next connection; a server that starts later on one of these ports may find it in use',
        },
      ],
      validate: [],
      verify: 'The error log of nginx has no new "Cannot assign requested address".',
    };
  },
});
