import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync, copyFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { followLogs, type FollowLogsOptions } from './follow-logs.ts';
import { anyFormat } from './format-choice.ts';
import type { LogsRequest, LogsResult } from './request.ts';
import { journalArguments } from './streams.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'follow-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const log = (): string => join(folder, 'access.log');

function lines(from: number, to: number): string {
  let text = '';
  for (let line = from; line < to; line += 1) {
    const second = String(line % 60).padStart(2, '0');
    text += `10.0.0.1 - - [21/Nov/2026:01:02:${second} +0000] "GET /${line} HTTP/1.1" ${line % 10 === 0 ? 502 : 200} 157 "-" "curl/7.88.1"\n`;
  }
  return text;
}

function countOf({ rollUp }: LogsResult): number {
  return rollUp.series.reduce((sum, { count }) => sum + count, 0);
}

/** Follows while something is done, until that many lines were counted. */
async function whileFollowing(wanted: number, act: () => void, over: Partial<LogsRequest> = {}, options: Partial<FollowLogsOptions> = {}): Promise<LogsResult> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), 10_000);
  const following = followLogs(
    { paths: [log()], formats: anyFormat, sinceMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY, zone: 'UTC', nowMs: Date.now(), ...over },
    {
      signal: stop.signal,
      everyMs: 10,
      pollMs: 30,
      onRollUp: result => {
        if (countOf(result) >= wanted) stop.abort();
      },
      ...options,
    },
  );
  await new Promise(resolve => setTimeout(resolve, 200));
  act();
  const result = await following;
  clearTimeout(timer);
  return result;
}

describe.each(['plain', 'auto'] as const)('following logs with the %s engine', engine => {
  it('counts what comes, through a rotation and a truncation', async () => {
    writeFileSync(log(), lines(0, 50));
    const result = await whileFollowing(
      100,
      () => {
        appendFileSync(log(), lines(50, 80));
        renameSync(log(), `${log()}.1`);
        writeFileSync(log(), lines(80, 120));
        copyFileSync(log(), `${log()}.0`);
        truncateSync(log());
        appendFileSync(log(), lines(120, 150));
      },
      { engine },
    );
    expect(countOf(result)).toBe(100);
    expect(result.rollUp.series.find(({ outcome }) => outcome?.status === 502)?.count).toBe(10);
    expect(result.inputs).toMatchObject([{ path: log(), problems: [] }]);
  });

  it('counts from the start what is there already, rotated files once', async () => {
    writeFileSync(`${log()}.2.gz`, gzipSync(lines(0, 50)));
    writeFileSync(`${log()}.1`, lines(50, 100));
    writeFileSync(log(), lines(100, 150));
    const act = (): void => {
      renameSync(`${log()}.1`, `${log()}.2`);
      renameSync(log(), `${log()}.1`);
      writeFileSync(log(), lines(150, 200));
    };
    const result = await whileFollowing(200, act, { paths: [`${log()}*`], engine }, { from: 'start' });
    expect(countOf(result)).toBe(200);
  });
});

describe('following', () => {
  it('waits for a file that is not there yet', async () => {
    const result = await whileFollowing(30, () => writeFileSync(log(), lines(0, 30)));
    expect(countOf(result)).toBe(30);
  });

  it('reads what is piped to it until that ends', async () => {
    const stdin = (async function* () {
      yield Buffer.from(lines(0, 10));
      await new Promise(resolve => setTimeout(resolve, 50));
      yield Buffer.from(lines(10, 25));
    })();
    expect(countOf(await whileFollowing(1000, () => undefined, { paths: ['-'], stdin }))).toBe(25);
  });

  it('says what cannot be followed', async () => {
    const result = await whileFollowing(0, () => undefined, { paths: ['/dev/zero'] });
    expect(result.inputs).toEqual([{ path: '/dev/zero', bytes: 0, problems: ['it is a device, not a file'] }]);
  });
});

describe('the journal', () => {
  it('is asked for by arguments that a unit cannot add to', () => {
    expect(journalArguments('--output=json; rm -rf /', 1000, 2500)).toEqual([
      'journalctl',
      '--no-pager',
      '--quiet',
      '--all',
      '--output=short-iso',
      '--unit=--output=json; rm -rf /',
      '--since=@1',
      '--until=@3',
    ]);
    expect(journalArguments('nginx', Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 'new').slice(-3)).toEqual(['--unit=nginx', '--follow', '--lines=0']);
  });
});
