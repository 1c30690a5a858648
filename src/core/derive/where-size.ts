import type { NginxAccessLog, TemplateSizes } from '../model/facts/logs.ts';
import type { Symptom } from '../model/facts/topology.ts';

/** So many failures must be missing among the smaller ones, were they spread as the requests are. */
const leastMissing = 5;
/** So many smaller ones must have passed. */
const leastPassed = 10;
/** Failures may be so small now and then for another reason. */
const outliers = 0.02;
const leastFailingAbove = 0.8;
const mostFailingBelow = 0.05;

/** Where nginx was when it had begun to pass an answer on: the access log has that answer's own status. */
const begun = 'reading upstream';
/** Cut answers that no record tells of are those that clients left. */
const mostWithoutRecord = 0.5;

interface SizePart {
  readonly text: string;
  readonly isAll: boolean;
  readonly passed: number;
}

/**
 * A size from which on nearly all fail, and below which nearly all pass. Only requests for the same pages are compared: where one
 * page fails alone, the size of what is sent to it is no reason.
 */
export function bySize(symptom: Symptom, access: NginxAccessLog): SizePart | undefined {
  const { accessGroups, errorGroups } = symptom;
  if (accessGroups.length > 0) {
    const failed = sum(accessGroups.map(group => group.sizes));
    const templates = new Set(accessGroups.map(group => group.urlTemplate));
    // Other failures of these pages neither passed nor are this one.
    const allFailed = sum(access.failing.filter(group => templates.has(group.urlTemplate)).map(group => group.sizes));
    const all = sum(sizesOf(access, templates).map(one => one.requests));
    return part('requests', failed, less(all, allFailed));
  }
  if (!errorGroups.every(group => group.phase === begun)) return undefined;
  const own = sizesOf(access, new Set(errorGroups.map(group => group.urlTemplate)));
  const cut = sum(own.map(one => one.cut));
  if (Math.abs(total(cut) - symptom.count) > symptom.count * mostWithoutRecord) return undefined;
  return part('answers', cut, sum(own.map(one => one.whole)));
}

function part(what: string, failed: readonly number[], passed: readonly number[]): SizePart | undefined {
  const count = total(failed);
  const from = smallest(failed, count * outliers);
  if (from === undefined || from === 0) return undefined;
  const [failedBelow, passedBelow, passedAbove] = [total(failed.slice(0, from)), total(passed.slice(0, from)), total(passed.slice(from))];
  const failedAbove = count - failedBelow;
  const above = failedAbove + passedAbove;
  const expectedBelow = (count * passedBelow) / Math.max(1, passedBelow + above);
  if (passedBelow < leastPassed || expectedBelow - failedBelow < leastMissing) return undefined;
  if (failedAbove / above < leastFailingAbove || failedBelow / (failedBelow + passedBelow) > mostFailingBelow) return undefined;
  return { text: `${what} of about ${bytesIn(2 ** (from / 2))} and more`, isAll: true, passed: passedAbove };
}

/** The place below which no more than so many lie. */
function smallest(counts: readonly number[], most: number): number | undefined {
  let seen = 0;
  for (const [place, count] of counts.entries()) {
    seen += count;
    if (seen > most) return place;
  }
  return undefined;
}

function sizesOf({ sizes = [] }: NginxAccessLog, templates: ReadonlySet<string | undefined>): readonly TemplateSizes[] {
  return sizes.filter(one => templates.has(one.key));
}

function sum(all: readonly (readonly number[] | undefined)[]): readonly number[] {
  return all.reduce<readonly number[]>(
    (sums, one = []) => Array.from({ length: Math.max(sums.length, one.length) }, (_, at) => (sums[at] ?? 0) + (one[at] ?? 0)),
    [],
  );
}

function less(a: readonly number[], b: readonly number[]): readonly number[] {
  return a.map((count, at) => Math.max(0, count - (b[at] ?? 0)));
}

function total(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0);
}

function bytesIn(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)} bytes`;
  return bytes < 1_048_576 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1_048_576).toFixed(1)} MiB`;
}
