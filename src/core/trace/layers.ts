import type { Attribution } from '../model/fingerprint.ts';
import type { ReportLayer } from '../model/report.ts';
import type { GroupFinding } from './findings.ts';
import { placeOf } from './problem.ts';
import type { JudgedHop } from './judge-hop.ts';

/** The hops that the answer shows, from the client inwards, with the one behind them where the answer speaks of it. */
export function layersOf(judged: readonly JudgedHop[], attribution: Attribution | undefined, edge: readonly GroupFinding[]): readonly ReportLayer[] {
  const [first] = judged.at(-1)?.judged ?? [];
  const place = first === undefined ? undefined : placeOf(first.attempt);
  const seen = attribution?.layers ?? [];
  const shown: ReportLayer[] = seen.map(layer => ({ id: layer.product, name: layer.title, role: layer.role, part: layer.part, certainty: layer.certainty }));
  const behind = edge.map(({ finding }) => finding).find(({ subject }) => subject.kind === 'upstream');
  return [
    ...(shown.length === 0 && place !== undefined ? [{ id: place, name: place, role: 'unknown', part: 'seen', certainty: 'sure' } as const] : shown),
    ...(behind === undefined ? [] : [{ id: behind.subject.id, name: behind.subject.name, role: 'unknown', part: 'seen', certainty: 'likely' } as const]),
  ];
}
