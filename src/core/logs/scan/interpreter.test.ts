import { describe, expect, it } from 'vitest';
import { LineWalk } from './interpreter.ts';
import { KeyPacker } from './packed-keys.ts';
import type { LinePlan, PlanStep } from './plan.ts';
import { compilePlan, mostMicros } from './program.ts';
import { valuesOf } from './tally.ts';
import { encodeUtf8, latin1 } from './text.ts';
import { utcHourMs } from './testing.ts';

interface Walked {
  /** As packed: cut, shaped, but with its escapes. */
  readonly keys: Readonly<Record<string, string>>;
  readonly requestTime: number;
  readonly upstreamTime: number;
  readonly timeMs: number;
}

function walkPlan(plan: LinePlan, line: string | Uint8Array): Walked | undefined {
  const program = compilePlan({ plan });
  const walk = new LineWalk(program, utcHourMs);
  const text = typeof line === 'string' ? encodeUtf8(line) : line;
  // What stands around a line must not matter.
  const bytes = Uint8Array.from([...encodeUtf8('" ,: 5'), ...text, ...encodeUtf8('" ,: 5')]);
  if (!walk.fits(bytes, new DataView(bytes.buffer), 6, 6 + text.length)) return undefined;
  const packer = new KeyPacker();
  packer.pack(walk, bytes, new DataView(bytes.buffer));
  const packed = packer.bytes.slice(0, packer.length);
  expect(Object.keys(valuesOf(program, packed))).toEqual(program.keys.filter((_, slot) => walk.keyTo[slot] !== -1));
  const keys: Record<string, string> = {};
  let at = 0;
  for (const role of program.keys) {
    const length = (packed[at] ?? 0) + (packed[at + 1] ?? 0) * 256;
    at += 2;
    if (length === 0xffff) continue;
    keys[role] = latin1(packed, at, at + length);
    at += length;
  }
  return { keys, requestTime: walk.requestTime, upstreamTime: walk.upstreamTime, timeMs: walk.timeMs };
}

const walkSteps = (steps: readonly PlanStep[], line: string | Uint8Array) => walkPlan({ kind: 'steps', steps }, line);
const key = (until: string, more: object = {}): PlanStep => ({ do: 'field', role: 'peer', use: 'key', until, ...more });

describe('fields', () => {
  it('end before the first of their byte, and a line that ends before fits not', () => {
    const steps: readonly PlanStep[] = [key('|'), { do: 'literal', text: '|' }, { do: 'field', role: 'status', use: 'key', until: '' }];
    expect(walkSteps(steps, 'a b|c|d')?.keys).toEqual({ peer: 'a b', status: 'c|d' });
    expect(walkSteps(steps, '|')?.keys).toEqual({ peer: '', status: '' });
    expect(walkSteps(steps, 'abcdefghijkl')).toBeUndefined();
    expect(walkSteps(steps, '')).toBeUndefined();
  });

  it('leave something over: the line fits not', () => {
    expect(walkSteps([key('|')], 'a|')).toBeUndefined();
    expect(walkSteps([key('|'), { do: 'rest' }], 'a|')?.keys).toEqual({ peer: 'a' });
    expect(walkSteps([key('|'), { do: 'literal', text: '|x' }], 'a|')).toBeUndefined();
    expect(walkSteps([{ do: 'maybe', text: 'ab' }, key('')], 'abc')?.keys).toEqual({ peer: 'c' });
    expect(walkSteps([{ do: 'maybe', text: 'ab' }, key('')], 'a')?.keys).toEqual({ peer: 'a' });
  });

  it('of lists reach over what stands between items', () => {
    const upTo = (until: string) => (line: string) => walkSteps([key(until, { list: true }), { do: 'rest' }], line)?.keys['peer'];
    const upToSpace = upTo(' ');
    expect(upToSpace('a, b : c x')).toBe('a, b : c');
    expect(upToSpace('- : - x')).toBe('- : -');
    expect(upToSpace('a :b x')).toBe('a');
    expect(upToSpace('a: b x')).toBe('a:');
    expect(upToSpace(', b x')).toBe(', b');
    expect(upToSpace(' a')).toBe('');
    expect(upTo(',')('a, b,c')).toBe('a, b');
    expect(upTo(',')('a,')).toBe('a');
    expect(upTo('"')('a, b" c"')).toBe('a, b');
  });

  it('that are escaped pass over what stands behind a backslash', () => {
    const upTo = (line: string, more: object = {}) => walkSteps([key('"', { escaped: true, ...more }), { do: 'rest' }], line)?.keys['peer'];
    expect(upTo(String.raw`a\"b" c`)).toBe(String.raw`a\"b`);
    expect(upTo(String.raw`a\\" c"`)).toBe(String.raw`a\\`);
    expect(upTo(String.raw`abcdefg\"`)).toBeUndefined();
    expect(upTo('a\\')).toBeUndefined();
  });

  it('of the same role: the first counts', () => {
    expect(walkSteps([key('|'), { do: 'literal', text: '|' }, key('')], 'a|b')?.keys).toEqual({ peer: 'a' });
  });

  it('hold any bytes', () => {
    expect(walkSteps([key('|'), { do: 'rest' }], Uint8Array.of(0, 0xff, 0xc3, 0x28, 0x7c, 0))?.keys).toEqual({ peer: '\0\u{ff}\u{c3}(' });
    expect(walkSteps([key('日'), { do: 'literal', text: '日' }], 'a日')?.keys).toEqual({ peer: 'a' });
  });
});

describe('text and seek', () => {
  const steps: readonly PlanStep[] = [
    { do: 'text', role: 'message', use: 'key', before: ', client: ' },
    { do: 'seek', text: ', client: ' },
    { do: 'field', role: 'client', use: 'key', until: ',' },
    { do: 'seek', text: 'up: ' },
    { do: 'field', role: 'peer', use: 'key', until: '' },
    { do: 'rest' },
  ];

  it('go on where the text stands, and pass over what belongs to a text that is not there', () => {
    expect(walkSteps(steps, 'it failed, client: 1.2.3.4, server: x, up: b')?.keys).toEqual({ message: 'it failed', client: '1.2.3.4', peer: 'b' });
    expect(walkSteps(steps, 'it failed, up: b')?.keys).toEqual({ message: 'it failed, up: b' });
    expect(walkSteps(steps, 'x, clientele, client: 1, y')?.keys).toEqual({ message: 'x, clientele', client: '1' });
    expect(walkSteps(steps, 'x, client: 1')).toBeUndefined();
    expect(walkSteps(steps, '')?.keys).toEqual({ message: '' });
  });

  it('leave the line where it stands when nothing follows the text that is missing', () => {
    expect(walkSteps([{ do: 'seek', text: 'x' }, key('')], 'abc')).toBeUndefined();
    expect(walkSteps([{ do: 'seek', text: 'b' }, key('')], 'abc')?.keys).toEqual({ peer: 'c' });
    expect(walkSteps([{ do: 'text', role: 'peer', use: 'key', before: '' }], 'abc')?.keys).toEqual({ peer: 'abc' });
  });
});

describe('keys', () => {
  const of = (use: Extract<PlanStep, { do: 'field' }>['use'], line: string) =>
    walkSteps([{ do: 'field', role: 'message', use, until: '' }], line)?.keys['message'];

  it('may be the first word', () => {
    expect(of('first-word', 'GET /x HTTP/1.1')).toBe('GET');
    expect(of('first-word', 'GET')).toBe('GET');
    expect(of('first-word', ' x')).toBe('');
  });

  it('may be a shape', () => {
    expect(of('shape', '0.003, - : 12')).toBe('0, - : 0');
    expect(of('shape', '')).toBe('');
    expect(of('shape', '1.a.2')).toBe('0a0');
  });

  it('may be a message without what differs from line to line', () => {
    expect(of('collapsed', 'connect() failed (111: Connection refused) on port 8080')).toBe('connect() failed (111: Connection refused) on port 0');
    expect(of('collapsed', 'sent (1234) x(12 "GET /1 (9)" 7" tail 8')).toBe('sent (0) x(12 "" 0"');
    expect(of('collapsed', '"a"1"b"')).toBe('""0""');
    expect(of('collapsed', '12')).toBe('0');
  });

  it('may be an authority', () => {
    expect(of('authority', 'http://127.0.0.1:8080/x://y')).toBe('127.0.0.1:8080');
    expect(of('authority', 'fastcgi://unix:/run/a.sock:')).toBe('unix:/run/a.sock');
    expect(of('authority', 'http://unix:/run/a.sock')).toBe('unix:/run/a.sock');
    expect(of('authority', 'fastcgi://127.0.0.1:9000')).toBe('127.0.0.1:9000');
    expect(of('authority', 'unix:/a, 1.2.3.4:5')).toBe('unix:/a, 1.2.3.4:5');
    expect(of('authority', '://')).toBe('');
  });

  it('are cut to 256 bytes of what results', () => {
    expect(of('key', 'x'.repeat(300))).toBe('x'.repeat(256));
    expect(of('shape', '1x'.repeat(300))).toBe('0x'.repeat(128));
    expect(of('collapsed', '12x'.repeat(300))).toBe('0x'.repeat(128));
    expect(of('collapsed', `${'x'.repeat(254)}(123`)).toBe(`${'x'.repeat(254)}(1`);
    expect(of('collapsed', `${'x'.repeat(255)}"a"1`)).toBe(`${'x'.repeat(255)}"`);
    expect(of('authority', `http://${'x'.repeat(300)}/`)).toBe('x'.repeat(256));
  });
});

describe('numbers', () => {
  const micros = (use: 'seconds' | 'milliseconds' | 'microseconds', text: string) =>
    walkSteps([{ do: 'field', role: 'request-time', use, until: '' }], text)?.requestTime;

  it('are whole microseconds', () => {
    expect(micros('seconds', '0.003')).toBe(3000);
    expect(micros('seconds', '12.3456789')).toBe(12_345_678);
    expect(micros('seconds', '0')).toBe(0);
    expect(micros('milliseconds', '1.5')).toBe(1500);
    expect(micros('microseconds', '7.9')).toBe(7);
  });

  it('of a list are added', () => {
    expect(micros('seconds', '0.001, 0.002 : 0.003')).toBe(6000);
    expect(micros('seconds', '-, 0.002')).toBe(2000);
    expect(micros('seconds', '1e3, 2')).toBe(2_000_000);
  });

  it('are none where they are not said', () => {
    for (const text of ['', '-', '-1', '+1', '1e3', '.5', '5.', '1.2.3', 'NaN', ' , ']) expect(micros('seconds', text), text).toBe(-1);
  });

  it('go no higher than 50 days', () => {
    expect(micros('seconds', '9'.repeat(400))).toBe(mostMicros);
    expect(micros('seconds', `${'0'.repeat(400)}1`)).toBe(1_000_000);
    expect(micros('microseconds', String(mostMicros))).toBe(mostMicros);
    expect(micros('microseconds', String(mostMicros + 1))).toBe(mostMicros);
    expect(micros('microseconds', `${mostMicros}, 1`)).toBe(mostMicros);
  });

  it('of a line are filled by the first that there is', () => {
    const field = (until: string): PlanStep => ({ do: 'field', role: 'upstream-time', use: 'seconds', until });
    expect(walkSteps([field('|'), { do: 'literal', text: '|' }, field('')], '-|2')?.upstreamTime).toBe(2_000_000);
    expect(walkSteps([field('|'), { do: 'literal', text: '|' }, field('')], '1|2')?.upstreamTime).toBe(1_000_000);
  });
});

describe('times', () => {
  const clock = (text: string, more: object = {}) =>
    walkSteps([{ do: 'time', form: 'clock', prefixLength: 13, until: '', style: 'iso', ...more }, { do: 'rest' }], text)?.timeMs;
  const at = Date.UTC(2026, 10, 21, 1, 2, 3);

  it('are clocks with or without a fraction and a zone', () => {
    expect(clock('2026-11-21T01:02:03')).toBe(at);
    expect(clock('2026-11-21T01:02:03.5')).toBe(at + 500);
    expect(clock('2026-11-21T01:02:03,123456+02:00')).toBe(at + 123 - 7_200_000);
    expect(clock('2026-11-21 01:02:60 +0100')).toBe(at + 57_000 - 3_600_000);
    expect(clock('2026-11-21 01:02:03 x', { until: ' ' })).toBe(at);
    expect(clock('2026-11-21 01:02:03 +0100 x', { until: ' ', spaced: true })).toBe(at - 3_600_000);
    expect(clock('2026-11-21 01:02:03.7 +0100 x', { until: ' ', spaced: true })).toBe(at + 700 - 3_600_000);
  });

  it('that are none make a line fit not', () => {
    for (const text of [
      '',
      '2026-11-21T01:02',
      '2026-11-21T01:2:03',
      '2026-11-21T01:60:03',
      '2026-11-21T01:02:61',
      '2026-11-21T01-02-03',
      '21/Nov/202601:02:03',
    ])
      expect(clock(text), text).toBeUndefined();
    expect(clock('2026-11-21T01:02:03', { until: ']' })).toBeUndefined();
    expect(clock(`2026-11-21T01:02:03${'x'.repeat(64)}`)).toBe(at);
    expect(clock(`2026-11-21T01:02:03${'x'.repeat(65)}`)).toBeUndefined();
    expect(clock('1969-12-31T23:59:59')).toBeUndefined();
    expect(clock('2026-11-21T01:02:03', { style: 'local' })).toBeUndefined();
  });

  it('are numbers since 1970 in units of ten', () => {
    const epoch = (unitMs: number, text: string) => walkSteps([{ do: 'time', form: 'epoch', unitMs, until: '|' }, { do: 'rest' }], text)?.timeMs;
    expect(epoch(1000, '1795222923.5|')).toBe(1_795_222_923_500);
    expect(epoch(1000, '1795222923|')).toBe(1_795_222_923_000);
    expect(epoch(1000, '1795222923.1239 x|')).toBe(1_795_222_923_123);
    expect(epoch(1, '1795222923123|')).toBe(1_795_222_923_123);
    expect(epoch(0.000001, '1795222923123456789|')).toBe(1_795_222_923_123);
    expect(epoch(0.000001, '12|')).toBe(0);
    for (const text of ['|', '-1|', '.5|', '1795222923', `${'9'.repeat(300)}|`]) expect(epoch(1000, text), text).toBeUndefined();
    expect(() => epoch(7, '1|')).toThrow(RangeError);
  });

  it('of a line: the first counts, and all must be times', () => {
    const epoch: PlanStep = { do: 'time', form: 'epoch', unitMs: 1000, until: '|' };
    const steps: readonly PlanStep[] = [epoch, { do: 'literal', text: '|' }, epoch, { do: 'rest' }];
    expect(walkSteps(steps, '5|6|')?.timeMs).toBe(5000);
    expect(walkSteps(steps, '5|x|')).toBeUndefined();
    expect(walkSteps([key('')], 'x')?.timeMs).toBe(-1);
  });
});

describe('JSON', () => {
  const plan: LinePlan = {
    kind: 'json',
    keys: [
      { name: 'time', use: 'skip', time: { form: 'epoch', unitMs: 1000 } },
      { name: 'at', use: 'skip', time: { form: 'clock', prefixLength: 13, style: 'iso' } },
      { name: 'status', role: 'status', use: 'key', required: true },
      { name: 'rt', role: 'request-time', use: 'seconds' },
      { name: 'peer', role: 'peer', use: 'key' },
      { name: 'backend', role: 'peer', use: 'authority' },
    ],
  };
  const walk = (line: string) => walkPlan(plan, line);

  it('gives the values of names at any depth', () => {
    expect(walk('{"time":5,"status":502,"rt":"0.001, 0.002"}')).toEqual({ keys: { status: '502' }, requestTime: 3000, upstreamTime: -1, timeMs: 5000 });
    expect(walk(' { "at" : "1970-01-01T01:00:00Z" , "p": {"x": [{"status" : "200"}]}, "peer":""}\t')).toEqual({
      keys: { status: '200', peer: '' },
      requestTime: -1,
      upstreamTime: -1,
      timeMs: 3_600_000,
    });
    expect(walk(String.raw`{"time":5,"status":"\"peer\":1","\"peer":2,"peer":"a\\"}`)?.keys).toEqual({ status: String.raw`\"peer\":1`, peer: String.raw`a\\` });
  });

  it('takes the first of two', () => {
    expect(walk('{"time":5,"status":1,"status":2,"backend":"http://a/","peer":"b","at":"x"}')).toEqual({
      keys: { status: '1', peer: 'a' },
      requestTime: -1,
      upstreamTime: -1,
      timeMs: 5000,
    });
    expect(walk('{"time":5,"status":1,"peer":null,"backend":"b"}')?.keys).toEqual({ status: '1', peer: 'b' });
    expect(walk('{"time":5,"status":1,"peer":,"backend":{},"rt":[1],"rt":2}')).toMatchObject({ keys: { status: '1' }, requestTime: 2_000_000 });
  });

  it('fits not without what is required, a time, or an end', () => {
    for (const line of [
      '{"time":5}',
      '{"status":5}',
      '{"time":5,"status":null}',
      '{"time":"x","status":1}',
      '{"time":5,"status":1',
      '{"time":5,"status":"1}',
      '"time":5,"status":1}',
      '{}',
      '{',
      '}',
      '',
    ])
      expect(walk(line), line).toBeUndefined();
    expect(walkPlan({ kind: 'json', keys: [{ name: 'a', role: 'peer', use: 'key' }] }, '{"b":1}')).toBeUndefined();
  });
});
