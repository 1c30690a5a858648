import { fieldText, withoutEscapes, type Escapes } from './field-text.ts';
import type { FieldValues, LogFormat } from './format.ts';
import { LineWalk } from './interpreter.ts';
import type { FieldRole, LinePlan } from './plan.ts';
import { compilePlan } from './program.ts';
import { sampleBytes } from './samples.ts';
import { escapesOf } from './tally.ts';
import { encodeUtf8 } from './text.ts';

interface Reader {
  readonly walk: LineWalk;
  /** Of each slot. */
  readonly escapes: readonly Escapes[];
}

const readers = new WeakMap<LinePlan, Reader>();

/**
 * What each field of a sampled line says, as it stands but for escapes: also of those that are not counted by. Undefined where the
 * line does not fit. Of a line that was cut off as a sample: what stands before the cut.
 */
export function readFields(format: Pick<LogFormat, 'plan'>, line: string): FieldValues | undefined {
  const { walk, escapes } = readerOf(format.plan);
  const { program } = walk;
  let bytes = encodeUtf8(line);
  if (!fits(walk, bytes)) {
    if (bytes.length < sampleBytes) return undefined;
    if (program.kind === 'json') {
      bytes = encodeUtf8(`${line}"}`);
      fits(walk, bytes);
    }
  }
  // Where no character takes more than a byte, what stands in the bytes stands at the same places in the text.
  const isAscii = bytes.length === line.length;
  const { keys } = program;
  const values: Partial<Record<FieldRole, string>> = {};
  for (let slot = 0; slot < keys.length; slot += 1) {
    const role = keys[slot];
    const escape = escapes[slot];
    const from = walk.keyFrom[slot] ?? 0;
    const to = walk.keyTo[slot] ?? -1;
    if (role === undefined || escape === undefined || to === -1) continue;
    values[role] = isAscii ? withoutEscapes(line.slice(from, to), escape) : fieldText(bytes.subarray(from, to), escape);
  }
  return values;
}

function fits(walk: LineWalk, bytes: Uint8Array): boolean {
  return walk.fits(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
}

function readerOf(plan: LinePlan): Reader {
  const known = readers.get(plan);
  if (known !== undefined) return known;
  // The hour of a line that was counted is one. What it is is not asked here.
  const walk = new LineWalk(compilePlan({ plan: withAllAsKeys(plan) }), () => 0);
  const { program } = walk;
  const reader = { walk, escapes: program.keys.map(role => escapesOf(program, program.roles.indexOf(role))) };
  readers.set(plan, reader);
  return reader;
}

function withAllAsKeys(plan: LinePlan): LinePlan {
  if (plan.kind === 'json') return { kind: 'json', keys: plan.keys.map(key => ({ ...key, use: 'key' })) };
  return { kind: 'steps', steps: plan.steps.map(step => (step.do === 'field' || step.do === 'text' ? { ...step, use: 'key' } : step)) };
}
