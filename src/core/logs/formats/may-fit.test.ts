import { readdirSync, readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { LineWalk } from '../scan/interpreter.ts';
import type { PlanStep } from '../scan/plan.ts';
import { compilePlan } from '../scan/program.ts';
import { encodeUtf8 } from '../scan/text.ts';
import { hourReader } from './hour-reader.ts';
import { mayFit } from './may-fit.ts';
import { formatByName, knownFormats } from './named.ts';

const hourMs = hourReader('UTC', Date.UTC(2100, 0, 1));

function fits(steps: readonly PlanStep[], line: string): boolean {
  const bytes = encodeUtf8(line);
  return new LineWalk(compilePlan({ plan: { kind: 'steps', steps } }), hourMs).fits(bytes, new DataView(bytes.buffer), 0, bytes.length);
}

const letter = fc.constantFrom(' ', ',', ':', '"', '\\', 'a', 'b', '[');
const text = fc.array(letter, { maxLength: 3 }).map(letters => letters.join(''));
const step: fc.Arbitrary<PlanStep> = fc.oneof(
  text.map((one): PlanStep => ({ do: 'literal', text: one })),
  text.map((one): PlanStep => ({ do: 'maybe', text: one })),
  text.map((one): PlanStep => ({ do: 'seek', text: one })),
  text.map((before): PlanStep => ({ do: 'text', use: 'skip', before })),
  fc.constant<PlanStep>({ do: 'rest' }),
  fc.tuple(fc.oneof(letter, fc.constant('')), fc.boolean(), fc.boolean()).map(([until, list, escaped]): PlanStep => ({
    do: 'field',
    use: 'skip',
    until,
    ...(list ? { list: true as const } : {}),
    ...(escaped ? { escaped: true as const } : {}),
  })),
);

it('no line that fits is ruled out, whatever the steps', () => {
  let fitting = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 5 }), fc.array(letter, { maxLength: 10 }), (steps, letters) => {
      const line = letters.join('');
      if (!fits(steps, line)) return;
      fitting += 1;
      expect(mayFit(steps, line)).toBe(true);
    }),
    { numRuns: 3000 },
  );
  expect(fitting).toBeGreaterThan(50);
});

const folder = new URL('products.fixtures/', import.meta.url);
const lines = readdirSync(folder).flatMap(name => readFileSync(new URL(name, folder), 'utf8').split('\n').slice(0, 20));

it('no line of a product is ruled out for its own format', () => {
  let fitting = 0;
  for (const { plan } of knownFormats()) {
    if (plan.kind !== 'steps') continue;
    for (const line of lines) {
      if (!fits(plan.steps, line)) continue;
      fitting += 1;
      expect(mayFit(plan.steps, line)).toBe(true);
    }
  }
  expect(fitting).toBeGreaterThan(50);
});

it('a line with too few columns is ruled out', () => {
  const plan = formatByName('aws-alb')?.plan;
  const line = '10.1.2.3 - - [21/Nov/2026:01:02:03 +0000] "GET /a?b=1 HTTP/1.1" 200 157 "-" "curl/8" 0.003 "10.0.0.1:80" "200"';
  expect(plan?.kind === 'steps' && mayFit(plan.steps, line)).toBe(false);
});
