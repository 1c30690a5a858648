import { fieldText } from './field-text.ts';
import type { FieldValues, LogFormat } from './format.ts';
import { LineWalk } from './interpreter.ts';
import type { FieldRole, LinePlan } from './plan.ts';
import { compilePlan } from './program.ts';
import { sampleBytes } from './samples.ts';
import { escapesOf } from './tally.ts';
import { encodeUtf8 } from './text.ts';

const walks = new WeakMap<LinePlan, LineWalk>();

/**
 * What each field of a sampled line says, as it stands but for escapes: also of those that are not counted by. Undefined where the
 * line does not fit. Of a line that was cut off as a sample: what stands before the cut.
 */
export function readFields(format: Pick<LogFormat, 'plan'>, line: string): FieldValues | undefined {
  const walk = walkOf(format.plan);
  const { program } = walk;
  let bytes = encodeUtf8(line);
  if (!fits(walk, bytes)) {
    if (bytes.length < sampleBytes) return undefined;
    if (program.kind === 'json') {
      bytes = encodeUtf8(`${line}"}`);
      fits(walk, bytes);
    }
  }
  const values: Partial<Record<FieldRole, string>> = {};
  for (const [slot, role] of program.keys.entries()) {
    const to = walk.keyTo[slot] ?? -1;
    if (to === -1) continue;
    values[role] = fieldText(bytes.subarray(walk.keyFrom[slot] ?? 0, to), escapesOf(program, program.roles.indexOf(role)));
  }
  return values;
}

function fits(walk: LineWalk, bytes: Uint8Array): boolean {
  return walk.fits(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
}

function walkOf(plan: LinePlan): LineWalk {
  let walk = walks.get(plan);
  // The hour of a line that was counted is one. What it is is not asked here.
  if (walk === undefined) walks.set(plan, (walk = new LineWalk(compilePlan({ plan: withAllAsKeys(plan) }), () => 0)));
  return walk;
}

function withAllAsKeys(plan: LinePlan): LinePlan {
  if (plan.kind === 'json') return { kind: 'json', keys: plan.keys.map(key => ({ ...key, use: 'key' })) };
  return { kind: 'steps', steps: plan.steps.map(step => (step.do === 'field' || step.do === 'text' ? { ...step, use: 'key' } : step)) };
}
