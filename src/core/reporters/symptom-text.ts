import type { ReportSymptom } from '../model/report.ts';
import { formatCount } from './wording.ts';

const words: Readonly<Partial<Record<ReportSymptom['class'], string>>> = {
  'backend-answered-5xx': 'answered by the backend itself',
  'unattributed-5xx': 'of unknown origin',
  'client-refused': 'clients cannot connect to nginx',
  'client-closed': 'closed by the client',
  'probe-failed': 'a probe fails',
  'upgrade-lost': 'for a WebSocket whose upgrade did not come through',
};

/** A group of failing requests in one row: `55 × 502 connect refused at 10.0.0.2:80, GET /api/{id}`. */
export function describeSymptom(symptom: ReportSymptom): string {
  const copies = symptom.copies === true ? 'copies of requests (mirror, update of a cache), ' : '';
  const count = symptom.count > 0 ? `${formatCount(symptom.count)} × ${copies}` : copies;
  const status = symptom.status === undefined ? '' : `${symptom.status} `;
  const method = symptom.method === undefined ? '' : `${symptom.method} `;
  const what = symptom.urlTemplate === undefined ? '' : `, ${method}${symptom.urlTemplate}`;
  if (symptom.madeBy === 'unknown' && symptom.because !== undefined) {
    return `${count}${status.trim() || symptom.class}${what}; cannot tell who made it, because ${symptom.because}`;
  }
  const kind = words[symptom.class] ?? symptom.class.replaceAll('-', ' ');
  const where = symptom.upstream !== undefined ? ` at ${symptom.upstream}` : symptom.server !== undefined ? ` for ${symptom.server}` : '';
  const probe = symptom.probe === undefined ? '' : ` (probe ${symptom.probe})`;
  return `${count}${status}${kind}${where}${what}${probe}`;
}
