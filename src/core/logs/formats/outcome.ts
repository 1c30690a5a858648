/** What the outcomes of all products have in common. */
import type { MadeBy, MessageClass } from '../../model/facts/logs.ts';
import type { FieldValues, Outcome } from '../scan/format.ts';

/** A method is the client's own word: others than these are not told apart. */
const methods: ReadonlySet<string> = new Set(
  'GET HEAD POST PUT DELETE PATCH OPTIONS CONNECT TRACE PRI PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK REPORT SEARCH PURGE'.split(' '),
);

/** All that an outcome may hold; what is `undefined` is left out. */
export interface OutcomeParts {
  readonly status: number;
  readonly failed: boolean;
  readonly madeBy: MadeBy;
  readonly because?: string | undefined;
  readonly peer?: string | undefined;
  readonly hiddenPeers?: readonly string[] | undefined;
  readonly server?: string | undefined;
  readonly method?: string | undefined;
  readonly class?: MessageClass | undefined;
  readonly level?: string | undefined;
  readonly message?: string | undefined;
}

export function outcome(parts: OutcomeParts): Outcome {
  const kept: Partial<Record<keyof OutcomeParts, unknown>> = {};
  for (const name of Object.keys(parts) as (keyof OutcomeParts)[]) if (parts[name] !== undefined) kept[name] = parts[name];
  return kept as unknown as Outcome;
}

/** The status of a request; 0 where there is none. */
export function statusOf(text: string | undefined): number {
  return text !== undefined && /^\d{1,3}$/u.test(text) ? Number(text) : 0;
}

/** An answer that has to be explained whatever product gave it: an error of a server, a client that left, no real status. */
export function isFailure(status: number): boolean {
  return status >= 499 || (status > 0 && status < 100);
}

/** The method, where it is one of those in use. */
export function methodOf(values: FieldValues): string | undefined {
  const word = values.method ?? values.request?.split(' ', 1)[0];
  return word !== undefined && methods.has(word) ? word : undefined;
}

/** A value that says something: not missing, not empty, not `-`. */
export function present(value: string | undefined): string | undefined {
  return value === undefined || value === '' || value === '-' ? undefined : value;
}

/** True where the shape of a time says that there was none: `-`, `-1`, empty. */
export function isNoTime(value: string | undefined): boolean {
  return value === undefined || value === '' || value.startsWith('-');
}
