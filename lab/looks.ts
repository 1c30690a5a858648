import { sleep } from './process.ts';
import type { Scenario } from './scenario.ts';

/** The background requests last for two minutes. */
const longestMs = 100_000;
/** Not in step with what comes each second. */
const pauseMs = 370;

/**
 * The same story, whose broken host is looked at so many times more: what badhop says of one cause may not hang on the second in which it looks.
 * `say` is told each answer and how often it came. Nothing is expected of them.
 */
export function lookedAt(scenario: Scenario, times: number, say: (text: string) => void): Scenario {
  const { args = [], runAs, run = {} } = scenario;
  return {
    ...scenario,
    expect: {},
    also: async (_host, badhop) => {
      const told = new Map<string, number>();
      const endMs = Date.now() + longestMs;
      for (let look = 0; look < times && Date.now() < endMs; look++) {
        const { report, exitCode } = await badhop(['diagnose', '--format', 'json', ...args], { ...(runAs !== undefined && { user: runAs }), ...run });
        const first = report?.findings[0];
        const what = first === undefined ? 'no finding' : `${first.fault} ${first.confidence} ${first.status} at ${first.subject.name}`;
        const answer = `${report?.verdict ?? `exit code ${exitCode}`}: ${what}`;
        told.set(answer, (told.get(answer) ?? 0) + 1);
        await sleep(pauseMs);
      }
      for (const [answer, count] of [...told].toSorted((a, b) => b[1] - a[1])) say(`${scenario.name}: ${count} × ${answer}`);
    },
  };
}
