import type { CollectContext, Collector, FactValue, Request } from '../model/collector.ts';
import { absent, known } from '../model/fact.ts';
import type { Known } from '../model/fact.ts';
import type { ExecResult, ReadResult, StatResult } from '../model/host.ts';
import type { FactId, Facts } from '../model/facts.ts';

/** A host made of texts, for tests of collectors. What it does not name is absent. */
export interface FakeHost {
  readonly files?: Readonly<Record<string, string | Known<ReadResult>>>;
  readonly folders?: Readonly<Record<string, readonly string[] | Known<readonly string[]>>>;
  readonly stats?: Readonly<Record<string, Partial<StatResult> | Known<StatResult>>>;
  /** By the argv joined with blanks; a text is what the program prints before it ends well. */
  readonly programs?: Readonly<Record<string, string | Partial<ExecResult> | Known<ExecResult>>>;
  /** Asked first; `undefined` leaves the request to the tables. */
  readonly answer?: (request: Request) => Known<unknown> | undefined;
}

export const TEST_CONTEXT: CollectContext = {
  sinceMs: 1_795_245_300_000,
  nowMs: 1_795_246_200_000,
  clock: { nowMs: 1_795_246_200_000, zone: 'UTC', offsetMinutes: 0 },
  probing: true,
};

/** Runs a collector against a fake host; `asked` lists every request in order. */
export function runCollector<Id extends FactId, Needs extends FactId>(
  collector: Collector<Id, Needs>,
  facts: Pick<Facts, Needs>,
  host: FakeHost,
  context: CollectContext = TEST_CONTEXT,
): { readonly fact: Known<FactValue<Id>>; readonly asked: readonly Request[]; readonly batches: number } {
  const asked: Request[] = [];
  const collection = collector.collect(facts, context);
  let batches = 0;
  let step = collection.next();
  while (step.done !== true) {
    batches += 1;
    asked.push(...step.value);
    step = collection.next(step.value.map(request => answerRequest(host, request, context)));
  }
  return { fact: step.value, asked, batches };
}

function answerRequest(host: FakeHost, request: Request, context: CollectContext): Known<unknown> {
  const own = host.answer?.(request);
  if (own !== undefined) return own;
  switch (request.kind) {
    case 'read': {
      const file = host.files?.[request.path];
      if (file === undefined) return absent(`${request.path}: no such file`);
      if (typeof file !== 'string') return file;
      const bytes = Uint8Array.from(unescape8(file));
      const limit = request.options?.limit ?? 1_048_576;
      return known({ bytes: bytes.slice(0, limit), size: bytes.length, atEnd: bytes.length <= limit } satisfies ReadResult);
    }
    case 'list': {
      const names = host.folders?.[request.path];
      if (names === undefined) return absent(`${request.path}: no such folder`);
      return 'state' in names ? names : known(names);
    }
    case 'stat': {
      const stat = host.stats?.[request.path];
      if (stat === undefined) return absent(`${request.path}: no such file`);
      if ('state' in stat) return stat;
      return known({ kind: 'file', size: 0, mode: 0o644, uid: 0, gid: 0, inode: 1, modifiedMs: 0, changedMs: 0, ...stat } satisfies StatResult);
    }
    case 'exec': {
      const program = host.programs?.[request.argv.join(' ')];
      if (program === undefined) return absent(`${request.argv[0] ?? ''}: no such program`);
      if (typeof program === 'string') return known({ stdout: program, stderr: '', code: 0, truncated: false } satisfies ExecResult);
      return 'state' in program ? program : known({ stdout: '', stderr: '', code: 0, truncated: false, ...program } satisfies ExecResult);
    }
    case 'clock':
      return known(context.clock);
    case 'pause':
      return known(true);
    default:
      return absent('a fake host answers no probes');
  }
}

/** UTF-8 bytes of a text. */
function unescape8(text: string): readonly number[] {
  const bytes: number[] = [];
  for (const character of encodeURIComponent(text).matchAll(/%([0-9A-F]{2})|[^%]/g)) {
    bytes.push(character[1] === undefined ? character[0].charCodeAt(0) : Number.parseInt(character[1], 16));
  }
  return bytes;
}
