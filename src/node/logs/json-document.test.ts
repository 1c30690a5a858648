import { gzipSync } from 'node:zlib';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anyFormat } from './format-choice.ts';
import { RecordLines, recordLevel } from './json-document.ts';
import { rollUpLogs } from './roll-up-logs.ts';
import { ChunkSource, readFully, type ByteSource } from './source.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Gives out a text in pieces of a length, now and then later. */
function sourceOf(text: string, piece: number): ByteSource {
  const bytes = bytesOf(text);
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += piece) yield await Promise.resolve(bytes.subarray(at, at + piece));
  }
  return new ChunkSource(chunks());
}

async function linesOf(text: string, piece = 7, room = 5): Promise<string> {
  const source = new RecordLines(sourceOf(text, piece), recordLevel(bytesOf(text)) ?? 0);
  const found: Uint8Array[] = [];
  for (;;) {
    const into = new Uint8Array(room);
    const length = await readFully(source, into);
    if (length === 0) break;
    found.push(into.subarray(0, length));
  }
  return Buffer.concat(found).toString('utf8');
}

/** As Azure's Application Gateway writes its access records; learn.microsoft.com, "Diagnostic logs for Application Gateway". */
function record(index: number): object {
  const status = index % 10 === 3 ? 502 : 200;
  return {
    timeStamp: new Date(Date.UTC(2026, 10, 21, 6) + index * 1000).toISOString().replace('.000Z', '+00:00'),
    resourceId: '/SUBSCRIPTIONS/1/RESOURCEGROUPS/A/PROVIDERS/MICROSOFT.NETWORK/APPLICATIONGATEWAYS/B',
    listenerName: 'Listener-B-1',
    backendPoolName: 'app',
    operationName: 'ApplicationGatewayAccess',
    category: 'ApplicationGatewayAccessLog',
    properties: {
      instanceId: 'appgw_1',
      clientIP: '203.0.113.9',
      httpMethod: 'GET',
      originalRequestUriWithArgs: `/a b?q={"[${index}]"}`,
      httpStatus: status,
      timeTaken: 0.034,
      serverRouted: '10.1.0.4:443',
      serverStatus: status === 200 ? '200' : '',
      error_info: status === 200 ? 'ERRORINFO_NO_ERROR' : 'ERRORINFO_UPSTREAM_TIMED_OUT',
    },
  };
}

const records = Array.from({ length: 300 }, (_, index) => record(index));

describe('a document of JSON', () => {
  it.each([
    ['{"records":[{"a":1}]}', 2],
    ['\u{feff}\n{ "records" : [\n {"a":1}]}', 2],
    ['{"value": [{"a":1}]}', 2],
    ['[{"a":1}]', 1],
    ['[\n  {\n    "a": 1', 1],
    ['{\n  "a": 1\n}\n{', 0],
    ['{"a":1}\n{"a":2}', undefined],
    ['{"data":[{"a":1}],"status":200}', undefined],
    ['[Sat Nov 21 14:02:02 2026] [error] x', undefined],
    ['', undefined],
  ])('is told by its start: %j', (text, level) => {
    expect(recordLevel(bytesOf(text))).toBe(level);
  });

  it.each([
    ['one line', JSON.stringify({ records })],
    ['laid out', JSON.stringify({ records }, undefined, 2)],
    ['a list', JSON.stringify(records, undefined, '\t')],
    ['objects after each other', records.map(one => JSON.stringify(one, undefined, 4)).join('\n')],
  ])('gives its records as lines: %s', async (_, text) => {
    const expected = records.map(one => `${JSON.stringify(one)}\n`).join('');
    expect(await linesOf(text, 1000, 4096)).toBe(expected);
    expect(await linesOf(text.slice(0, 900), 1, 1)).toBe(expected.slice(0, (await linesOf(text.slice(0, 900), 900, 900)).length));
  });

  it('gives lines of any text, never more than it holds', async () => {
    const piece = fc.oneof(fc.constantFrom('{', '}', '[', ']', '"', '\\', ',', '\n', ' ', '"a":1'), fc.string());
    await fc.assert(
      fc.asyncProperty(fc.array(piece), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), async (parts, size, room) => {
        const text = parts.join('');
        const lines = await linesOf(text, size, room);
        expect(bytesOf(lines).length).toBeLessThanOrEqual(2 * bytesOf(text).length);
        expect(await linesOf(text, 100, 100)).toBe(lines);
      }),
    );
  });
});

describe('logs that are documents', () => {
  let scratch = '';
  beforeAll(() => {
    scratch = mkdtempSync(join(tmpdir(), 'badhop-records-'));
    writeFileSync(join(scratch, 'PT1H.json'), JSON.stringify({ records }));
    writeFileSync(join(scratch, 'pretty.json'), JSON.stringify({ records: records.slice(100) }, undefined, 2));
    writeFileSync(join(scratch, 'list.json.gz'), gzipSync(JSON.stringify(records.slice(200), undefined, 2)));
    // More than one range, and more than the longest line.
    writeFileSync(join(scratch, 'large.json'), JSON.stringify({ records: Array.from({ length: 60_000 }, (_, index) => record(index)) }));
  });
  afterAll(() => {
    rmSync(scratch, { recursive: true, force: true });
  });

  it.each([
    ['PT1H.json', 300],
    ['pretty.json', 200],
    ['list.json.gz', 100],
    ['large.json', 60_000],
  ])('are read whatever they are laid out like: %s', async (name, count) => {
    const request = {
      paths: [join(scratch, name)],
      formats: anyFormat,
      sinceMs: -Infinity,
      untilMs: Infinity,
      zone: 'UTC',
      nowMs: Date.UTC(2026, 10, 22),
    } as const;
    const { rollUp, inputs } = await rollUpLogs(request);
    expect(inputs[0]?.problems).toEqual([]);
    expect(rollUp.inputs[0]).toMatchObject({ lines: count, misfits: 0, tooLong: 0 });
    const failed = rollUp.series.filter(({ outcome }) => outcome?.failed === true);
    expect(failed.map(({ outcome }) => outcome)).toMatchObject([{ status: 502, madeBy: 'proxy', peer: '10.1.0.4:443', class: 'read-timeout' }]);
    const stdin = sourceIterable(join(scratch, name));
    const piped = await rollUpLogs({ ...request, paths: ['-'], stdin });
    expect(piped.rollUp.inputs[0]).toMatchObject({ lines: count, misfits: 0 });
  });
});

async function* sourceIterable(path: string): AsyncGenerator<Uint8Array> {
  const { createReadStream } = await import('node:fs');
  for await (const chunk of createReadStream(path)) yield chunk as Uint8Array;
}
