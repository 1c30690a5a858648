import { defineFix } from '../model/fix.ts';

/** What takes the space has to be seen by a person before anything is deleted. */
export default defineFix({
  id: 'free-disk-space',
  fixes: ['disk-full'],
  plan(finding) {
    const { mount, lacks } = finding.fixData ?? {};
    if (typeof mount !== 'string') return undefined;
    const isInodes = lacks === 'inodes';
    const list = isInodes ? `du -x --inodes --max-depth=3 ${mount}` : `du -xm --max-depth=3 ${mount}`;
    return {
      id: 'free-disk-space',
      summary: `Free ${isInodes ? 'inodes' : 'space'} on ${mount}`,
      automatic: false,
      risk: 'medium',
      minutes: 10,
      steps: [
        {
          kind: 'manual',
          text: `Find what takes it, and move or delete what is not needed. A deleted file that a process still has open frees nothing until that process ends.`,
          commands: [
            `df -h ${mount}`,
            `${list} | sort -n | tail -n 15`,
            ...(isInodes ? [] : [`find ${mount} -xdev -type f -size +100M`, 'lsof +L1', 'journalctl --disk-usage']),
          ],
        },
      ],
      validate: [],
      verify: `df shows room on ${mount}, and nginx logs no more errno 28.`,
    };
  },
});
