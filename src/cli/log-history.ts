import type { LogHistory } from '../core/model/logs-report.ts';
import type { Report } from '../core/model/report.ts';
import { createLogProgress } from './log-progress.ts';
import { momentMs, readZone } from './moment.ts';
import type { Since } from './since.ts';

/**
 * What the logs of the diagnosed machine say since `since`, by the same engine as `badhop logs`. Undefined where the configuration
 * names no log. With the signal it stops reading and tells what was read by then.
 */
export async function readHistory({ topology }: Report, since: Since, version: string, signal: AbortSignal): Promise<LogHistory | undefined> {
  const [{ reportLogs }, { logsOf }] = await Promise.all([import('./compose-logs.ts'), import('./host-logs.ts')]);
  const { paths, journalUnits, configurations, elsewhere } = await logsOf(topology, true);
  if (paths.length + journalUnits.length === 0) return undefined;
  const zone = readZone(undefined);
  const nowMs = Date.now();
  const sinceMs = momentMs(since, nowMs, zone);
  const startedMs = performance.now();
  const progress = createLogProgress(process.stderr, process.env, () => performance.now() - startedMs);
  try {
    const logs = await reportLogs(
      {
        paths,
        journalUnits,
        formats: { names: [], definitions: [], configurations },
        sinceMs,
        untilMs: Number.POSITIVE_INFINITY,
        nowMs,
        zone: zone.logZone,
        zoneName: zone.name,
        version,
      },
      reading => progress.show(reading),
      signal,
    );
    return { since: new Date(sinceMs).toISOString(), logs: { ...logs, notChecked: [...logs.notChecked, ...elsewhere] } };
  } finally {
    progress.end();
  }
}
