import { defineFix } from '../model/fix.ts';
import type { FixPlan } from '../model/finding.ts';
import { numberOf, textOf } from '../model/fix-data.ts';
import { locationEdit } from '../model/location-edit.ts';

/** Longer than this nobody waits for a page: what takes longer belongs into a queue. */
const longestMs = 120_000;
const headroom = 1.5;

/** Lets that one location wait for as long as the page was seen to take, within a bound. Without a measurement a person decides. */
export default defineFix({
  id: 'raise-read-timeout',
  fixes: ['backend-slower-than-timeout'],
  plan(finding, facts) {
    const directive = textOf(finding.fixData, 'directive');
    const routeId = textOf(finding.fixData, 'routeId');
    const took = numberOf(finding.fixData, 'tookMs');
    const limit = numberOf(finding.fixData, 'limitMs') ?? 0;
    if (directive === undefined || routeId === undefined) return undefined;
    const seconds = took === undefined ? undefined : Math.ceil((took * headroom) / 1000) + 1;
    const found = seconds === undefined || seconds * 1000 > longestMs ? undefined : locationEdit(facts, routeId, directive, `${seconds}s`);
    if (found?.reload === undefined || seconds === undefined) return byHand(finding.subject.name, directive, limit, textOf(finding.fixData, 'unit'));
    return {
      id: 'raise-read-timeout',
      summary: `Let nginx wait ${seconds} s there instead of ${limit / 1000} s, for a page that took ${((took ?? 0) / 1000).toFixed(1)} s`,
      automatic: true,
      // An included file may stand for other locations too.
      risk: found.isShared ? 'medium' : 'low',
      minutes: 1,
      steps: [...found.edits, found.reload],
      validate: found.validate,
      verify: 'The page answers through nginx. It is as slow as before: find out why it takes so long.',
    };
  },
});

function byHand(name: string, directive: string, limitMs: number, unit: string | undefined): FixPlan {
  return {
    id: 'raise-read-timeout',
    summary: `Find out why ${name} takes longer than ${limitMs / 1000} s`,
    automatic: false,
    risk: 'low',
    minutes: 30,
    steps: [
      {
        kind: 'manual',
        text: `Measure the page at the backend itself, and look at what it waits for. Raise ${directive} for that location alone, and only where the answer is worth the wait.`,
        commands: unit === undefined ? [] : [`journalctl -u ${unit} -n 80 --no-pager`, `systemctl status ${unit}`],
      },
    ],
    validate: [],
    verify: 'The page answers through nginx within its time.',
  };
}
