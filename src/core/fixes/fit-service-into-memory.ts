import { defineFix } from '../model/fix.ts';
import type { FixStep } from '../model/finding.ts';
import { numberOf, textOf } from '../model/fix-data.ts';

const mebibyte = 1_048_576;

/** How much memory a service may have is a person's decision: the figures and the commands are given for both ways. */
export default defineFix({
  id: 'fit-service-into-memory',
  fixes: ['backend-oom-killed'],
  plan(finding, facts) {
    const unit = textOf(finding.fixData, 'unit');
    const rss = numberOf(finding.fixData, 'rssBytes');
    const workers = numberOf(finding.fixData, 'workers') ?? 0;
    const memory = facts.resources.state === 'known' ? facts.resources.value.memory : undefined;
    const steps: FixStep[] = [];
    if (finding.fixData?.['isDown'] === true && unit !== undefined) {
      steps.push({
        kind: 'command',
        argv: ['systemctl', 'start', unit],
        undo: ['systemctl', 'stop', unit],
        disruptive: false,
        why: `${unit} was not started again after the kill.`,
      });
    }
    const size = rss === undefined ? '' : ` The killed process held ${Math.ceil(rss / mebibyte)} MiB.`;
    const room =
      memory === undefined ? '' : ` The host has ${Math.floor(memory.availableBytes / mebibyte)} MiB left of ${Math.floor(memory.totalBytes / mebibyte)} MiB.`;
    steps.push({
      kind: 'manual',
      text: `Find what needs so much memory: the requests that failed at the time of the kill, an import, a leak that grows with each request.${size}${room}`,
      commands: [
        'journalctl -k --no-pager | grep -A1 oom-kill',
        ...(unit === undefined ? [] : [`journalctl -u ${unit} -n 80 --no-pager`, `systemctl status ${unit}`]),
      ],
    });
    const isGroupLimit = finding.fixData?.['isGroupLimit'] === true;
    steps.push({
      kind: 'manual',
      text: isGroupLimit
        ? `Give it a limit that fits${workers > 1 ? `, or fewer workers than ${workers}` : ''}. All workers at their largest must stay below the limit, and the limit below what the host has left.`
        : `Let it use less: ${workers > 1 ? `fewer workers than ${workers}, ` : ''}or a limit of its own, so that its kill does not hit its neighbours.`,
      commands:
        unit === undefined
          ? []
          : [`systemctl show ${unit} -p MemoryMax -p MemoryLimit -p MemoryCurrent`, `systemctl set-property ${unit} MemoryMax=${limitFor(finding.fixData)}`],
    });
    return {
      id: 'fit-service-into-memory',
      summary: `Give ${finding.subject.name} memory that suffices, or less to do at once`,
      automatic: false,
      risk: 'medium',
      minutes: 20,
      steps,
      validate: [],
      verify: 'No new "Killed process" line for it stands in the kernel log, and the request that failed succeeds.',
    };
  },
});

/** Every worker as large as the killed one, and a quarter more; without figures a place for the person's own. */
function limitFor(data: Readonly<Record<string, unknown>> | undefined): string {
  const rss = numberOf(data, 'rssBytes');
  const workers = Math.max(1, numberOf(data, 'workers') ?? 1);
  return rss === undefined ? 'BYTES' : `${Math.ceil((rss * workers * 1.25) / mebibyte / 64) * 64}M`;
}
