import type { ClientResponse, ClientResult } from './client.ts';
import type { LabHost } from './host.ts';
import { sleep } from './process.ts';
import type { Scenario, Stage } from './scenario.ts';

/** How long the background requests are looked at once all is well again; at the usual rates half a dozen begin in it. */
const windowMs = 500;
/** As many as looked for the symptom. */
const looks = 5;

/**
 * Waits until the story works again: its own check, and the requests that showed the symptom all get a good answer. Of those, one good
 * answer is not enough: of a fault that hits every second request, and of workers that a reload has left behind, it shows nothing.
 * `healthy` sends the first of them itself where the story has no check of its own.
 */
export async function worksAgain(scenario: Scenario, host: LabHost, stage: Stage, healthy: () => Promise<void>): Promise<void> {
  await eventually(async () => {
    await healthy();
    const count = scenario.healthy === undefined ? looks - 1 : looks;
    // The background requests go on meanwhile: more at once would ask for another pool than the one that was too small.
    const { responses } = await host.request({ urls: [stage.url], count, concurrency: scenario.looksAtOnce ?? 2, timeoutMs: 30_000 });
    const bad = scenario.healthy === undefined ? responses.filter(response => isBad(scenario, keyOf(response))) : [];
    if (bad.length > 0) throw new Error(`${bad.length} of ${responses.length} requests of ${stage.url} failed still: ${bad.map(keyOf).join(', ')}`);
  });
}

/** When every background request was to get a good answer; ms since 1970. */
export interface GoodTime {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Lets the background requests go on for a while; what became of them is known when they end, and then judged by `failedIn`. */
export async function watchTraffic(scenario: Scenario): Promise<GoodTime> {
  const fromMs = Date.now();
  if (scenario.traffic !== false) await sleep(windowMs);
  return { fromMs, toMs: Date.now() };
}

/** What is wrong with the background requests that began and ended in this time; undefined where nothing is. */
export function failedIn(scenario: Scenario, { answers }: Pick<ClientResult, 'answers'>, { fromMs, toMs }: GoodTime): string | undefined {
  const then = answers.filter(([begunMs, endedMs]) => begunMs >= fromMs && endedMs <= toMs).map(([, , key]) => key);
  const bad = then.filter(key => isBad(scenario, key));
  return bad.length === 0 ? undefined : `of ${then.length} background requests after the repair ${bad.length} failed: ${[...new Set(bad)].join(', ')}`;
}

function keyOf({ status, error }: ClientResponse): string {
  return error === '' ? String(status) : error;
}

/** No answer, a server's error, or the very status that is the symptom. */
function isBad({ fails, stillFails = [] }: Scenario, key: string): boolean {
  const status = Number(key);
  return !stillFails.includes(status) && (!Number.isInteger(status) || status >= 500 || status === fails);
}

export async function eventually(check: () => Promise<void>, timeoutMs = 15_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(200);
    }
  }
}
