import type { Verdict } from '../core/model/report.ts';

/** The exit code of a report. */
export const verdictCodes: Readonly<Record<Verdict, number>> = { healthy: 0, recovered: 0, failing: 1, 'at-risk': 1, inconclusive: 3 };
