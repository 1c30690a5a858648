import { defineFix, lineDiff } from '../model/fix.ts';

// uWSGI's packets have a length of two bytes.
const largest = 65_535;

/** Raises uWSGI's buffer-size above the largest request that it skipped. */
export default defineFix({
  id: 'raise-uwsgi-buffer',
  fixes: ['request-header-too-big-for-backend'],
  plan(finding) {
    const { bytes, unit, path, source, text, isThere } = finding.fixData ?? {};
    if (typeof bytes !== 'number') return undefined;
    let size = 8192;
    while (size < bytes * 1.5) size *= 2;
    size = Math.min(size, largest);
    const line = typeof source === 'string' ? Number(source.slice(source.lastIndexOf(':') + 1)) : Number.NaN;
    const setting = `buffer-size = ${size}`;
    const base = {
      id: 'raise-uwsgi-buffer',
      summary: `Raise uWSGI's buffer-size to ${size}`,
      minutes: 2,
      validate: [],
      verify: 'No more requests are skipped in the log of uWSGI, and the clients with large cookies get their pages.',
    } as const;
    if (typeof path === 'string' && typeof text === 'string' && Number.isInteger(line) && typeof unit === 'string' && path.endsWith('.ini')) {
      const after = isThere === true ? setting : `${text}\n${setting}`;
      return {
        ...base,
        automatic: true,
        risk: 'medium',
        steps: [
          { kind: 'edit', path, line, before: text, after, diff: lineDiff(path, line, text, after) },
          {
            kind: 'command',
            argv: ['systemctl', 'restart', unit],
            undo: ['systemctl', 'restart', unit],
            disruptive: true,
            why: 'uWSGI reads its settings when it starts; requests under way are cut off.',
          },
        ],
      };
    }
    return {
      ...base,
      automatic: false,
      risk: 'medium',
      steps: [
        {
          kind: 'manual',
          text: `Set buffer-size to ${size} where uWSGI gets its settings, then restart it.`,
          commands: typeof unit === 'string' ? [`systemctl cat ${unit}`, `systemctl restart ${unit}`] : [],
        },
      ],
    };
  },
});
