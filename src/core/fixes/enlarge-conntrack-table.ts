import { numberOf } from '../model/fix-data.ts';
import { defineFix, lineDiff } from '../model/fix.ts';

const growth = 4;
/** About 320 bytes of kernel memory an entry: 1.3 GB. */
const most = 4_194_304;
const name = 'net.netfilter.nf_conntrack_max';
const path = '/etc/sysctl.d/90-badhop-conntrack.conf';

/** Lets the kernel track more connections, at once and after the next boot. */
export default defineFix({
  id: 'enlarge-conntrack-table',
  fixes: ['conntrack-table-full'],
  plan(finding) {
    const max = numberOf(finding.fixData, 'max');
    if (max === undefined || max >= most) return undefined;
    const next = Math.min(most, Math.max(262_144, max * growth));
    const after = `${name} = ${next}\n`;
    return {
      id: 'enlarge-conntrack-table',
      summary: `Let the kernel track ${next} connections instead of ${max}`,
      automatic: finding.confidence !== 'possible',
      risk: 'low',
      minutes: 1,
      steps: [
        { kind: 'edit', path, before: '', after, diff: lineDiff(path, 1, '', after) },
        {
          kind: 'command',
          argv: ['sysctl', '-w', `${name}=${next}`],
          undo: ['sysctl', '-w', `${name}=${max}`],
          disruptive: false,
          why: `the kernel takes it for the next connection; a full table needs about ${Math.ceil((next * 320) / 2 ** 20)} MiB`,
        },
      ],
      validate: [],
      verify: 'The kernel log has no new "table full", and nf_conntrack_count stays well below the new limit.',
    };
  },
});
