import type { ErrorGroup, ErrorRecord } from '../model/facts/logs.ts';
import { BucketCounter } from './buckets.ts';
import { urlTemplate } from './url-template.ts';

const maxGroups = 2000;

interface OpenGroup {
  readonly first: ErrorRecord;
  readonly urlTemplate: string | undefined;
  /** The group that takes what came after the limit: alike in class alone. */
  readonly isRest: boolean;
  readonly samples: Samples<ErrorRecord>;
  readonly buckets: BucketCounter;
}

/** Folds error records into groups; what comes after 2000 groups is counted by class. No count is lost. */
export class ErrorFold {
  readonly #groups = new Map<string, OpenGroup>();
  /** In a flood most records belong to the group of the one before. */
  #last: OpenGroup | undefined;

  add(record: ErrorRecord): void {
    const template = record.uri === undefined ? undefined : urlTemplate(record.uri);
    const last = this.#last;
    const group = last !== undefined && !last.isRest && isAlike(last, record, template) ? last : this.#groupOf(record, template);
    this.#last = group;
    group.buckets.add(record.timeMs);
    group.samples.add(record);
  }

  #groupOf(record: ErrorRecord, template: string | undefined): OpenGroup {
    const key = JSON.stringify([
      record.class,
      record.messageId,
      record.errno,
      record.phase,
      record.level,
      record.peer,
      record.scheme,
      record.server,
      record.method,
      template,
      record.subrequest !== undefined,
    ]);
    return this.#groups.get(key) ?? this.#open(key, record, template);
  }

  /** The groups, the largest first. */
  groups(): readonly ErrorGroup[] {
    return [...this.#groups.values()].map(toGroup).sort((a, b) => b.count - a.count || a.firstMs - b.firstMs);
  }

  #open(key: string, record: ErrorRecord, template: string | undefined): OpenGroup {
    const isRest = this.#groups.size >= maxGroups;
    const name = isRest ? `rest ${record.class}` : key;
    const known = this.#groups.get(name);
    if (known !== undefined) return known;
    const group: OpenGroup = { first: record, urlTemplate: template, isRest, samples: new Samples(), buckets: new BucketCounter() };
    this.#groups.set(name, group);
    return group;
  }
}

/** Equal in all that a group's key holds. */
function isAlike({ first, urlTemplate: template }: OpenGroup, record: ErrorRecord, recordTemplate: string | undefined): boolean {
  return (
    template === recordTemplate &&
    first.class === record.class &&
    first.messageId === record.messageId &&
    first.errno === record.errno &&
    first.phase === record.phase &&
    first.level === record.level &&
    first.peer === record.peer &&
    first.scheme === record.scheme &&
    first.server === record.server &&
    first.method === record.method &&
    (first.subrequest === undefined) === (record.subrequest === undefined)
  );
}

/** Keeps the first, the last, and one from about the middle of what it is given. */
export class Samples<T extends { readonly timeMs: number }> {
  count = 0;
  firstMs = Number.POSITIVE_INFINITY;
  lastMs = Number.NEGATIVE_INFINITY;
  #first: T | undefined;
  #middle: T | undefined;
  #last: T | undefined;
  #middleAt = 2;

  add(one: T): void {
    this.note(one.timeMs);
    if (this.#first === undefined) this.#first = one;
    else this.#last = one;
    if (this.count !== this.#middleAt) return;
    // Each power of two is the middle of what has come when the next one comes.
    this.#middle = one;
    this.#middleAt *= 2;
  }

  /** Counts one without keeping it. */
  note(timeMs: number): void {
    this.count += 1;
    if (timeMs < this.firstMs) this.firstMs = timeMs;
    if (timeMs > this.lastMs) this.lastMs = timeMs;
  }

  list(): readonly T[] {
    const all = [this.#first, this.#middle, this.#last].filter(one => one !== undefined);
    return [...new Set(all)].sort((a, b) => a.timeMs - b.timeMs);
  }
}

function toGroup({ first, urlTemplate: template, isRest, samples, buckets }: OpenGroup): ErrorGroup {
  const counted = { count: samples.count, firstMs: samples.firstMs, lastMs: samples.lastMs, buckets: buckets.toBuckets(), samples: samples.list() };
  if (isRest) return { class: first.class, level: first.level, subrequest: false, ...counted };
  return {
    class: first.class,
    level: first.level,
    subrequest: first.subrequest !== undefined,
    ...(first.messageId === undefined ? {} : { messageId: first.messageId }),
    ...(first.errno === undefined ? {} : { errno: first.errno }),
    ...(first.phase === undefined ? {} : { phase: first.phase }),
    ...(first.peer === undefined ? {} : { peer: first.peer }),
    ...(first.scheme === undefined ? {} : { scheme: first.scheme }),
    ...(first.server === undefined ? {} : { server: first.server }),
    ...(first.method === undefined ? {} : { method: first.method }),
    ...(template === undefined ? {} : { urlTemplate: template }),
    ...counted,
  };
}
