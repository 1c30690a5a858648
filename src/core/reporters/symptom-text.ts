import type { ReportSymptom } from '../model/report.ts';
import { formatCount } from './wording.ts';

/** A group of failing requests in one row: `55 × 502 reset at 10.0.0.2:80, GET /api/{id}`. */
export function describeSymptom(symptom: ReportSymptom): string {
  const count = symptom.count > 0 ? `${formatCount(symptom.count)} × ` : '';
  const status = symptom.status === undefined ? '' : `${symptom.status} `;
  const method = symptom.method === undefined ? '' : `${symptom.method} `;
  const what = symptom.urlTemplate === undefined ? '' : `, ${method}${symptom.urlTemplate}`;
  if (symptom.madeBy === 'unknown' && symptom.because !== undefined) {
    return `${count}${status.trim() || symptom.class}${what}; cannot tell who made it, because ${symptom.because}`;
  }
  const where = symptom.upstream === undefined ? '' : ` at ${symptom.upstream}`;
  return `${count}${status}${symptom.class}${where}${what}`;
}
