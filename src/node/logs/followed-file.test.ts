import {
  appendFileSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FollowedFile, type FollowOptions, type FollowSink } from './followed-file.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'follow-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const log = (): string => join(folder, 'access.log');

/** Keeps the lines of all files, in the order in which they were whole. */
class Lines {
  readonly lines: string[] = [];
  readonly open = (): FollowSink => {
    let rest = '';
    return {
      take: bytes => {
        rest += Buffer.from(bytes).toString('latin1');
        const parts = rest.split('\n');
        rest = parts.pop() ?? '';
        this.lines.push(...parts);
      },
      end: () => {
        if (rest !== '') this.lines.push(rest);
        rest = '';
      },
    };
  };
}

function follow(over: Partial<FollowOptions> = {}): { file: FollowedFile; seen: Lines; problems: string[] } {
  const seen = new Lines();
  const problems: string[] = [];
  const file = new FollowedFile(log(), { openSink: seen.open, nowMs: () => Date.now(), from: 'start', onProblem: one => problems.push(one), ...over });
  return { file, seen, problems };
}

describe('following a log', () => {
  it('reads what is appended, from the end or the start, a line when it is whole', () => {
    writeFileSync(log(), 'old\n');
    const { file, seen } = follow({ from: 'end' });
    appendFileSync(log(), 'one\ntw');
    file.poll();
    expect(seen.lines).toEqual(['one']);
    appendFileSync(log(), 'o\n');
    file.poll();
    file.close();
    expect(seen.lines).toEqual(['one', 'two']);
  });

  it('reads a renamed file to its end, what its writer still adds, and the new one', () => {
    writeFileSync(log(), 'one\n');
    const { file, seen } = follow();
    const old = openSync(log(), 'a');
    writeSync(old, 'two\n');
    renameSync(log(), `${log()}.1`);
    writeFileSync(log(), 'four\n');
    file.poll();
    writeSync(old, 'three\n');
    file.poll();
    appendFileSync(log(), 'five\n');
    file.poll();
    file.close();
    closeSync(old);
    expect(seen.lines).toEqual(['one', 'two', 'four', 'three', 'five']);
  });

  it('closes a renamed file when it has been silent', () => {
    let nowMs = 0;
    writeFileSync(log(), 'one\n');
    const { file, seen } = follow({ nowMs: () => nowMs });
    renameSync(log(), `${log()}.1`);
    writeFileSync(log(), 'two\n');
    file.poll();
    nowMs = 61_000;
    file.poll();
    appendFileSync(`${log()}.1`, 'nobody writes here\n');
    appendFileSync(log(), 'three\n');
    file.poll();
    file.close();
    expect(seen.lines).toEqual(['one', 'two', 'three']);
  });

  it('finds what was rotated twice or more between two looks', () => {
    writeFileSync(`${log()}.1`, 'before\n');
    writeFileSync(log(), 'one\n');
    const { file, seen } = follow();
    renameSync(`${log()}.1`, `${log()}.2`);
    for (let number = 2; number < 6; number += 1) {
      for (let old = number; old > 1; old -= 1) if (existsSync(`${log()}.${old - 1}`)) renameSync(`${log()}.${old - 1}`, `${log()}.${old}`);
      renameSync(log(), `${log()}.1`);
      writeFileSync(log(), `line ${number}\n`);
    }
    file.poll();
    file.poll();
    file.close();
    expect(seen.lines).toEqual(['one', 'line 2', 'line 3', 'line 4', 'line 5']);
  });

  it('reads from the copy what was not read before a truncation, also when the file has grown again', () => {
    for (const after of ['x\n', `${'much longer than before, '.repeat(40)}\n`, '']) {
      writeFileSync(log(), 'one\ntwo\n');
      const { file, seen, problems } = follow();
      appendFileSync(log(), 'three\n');
      copyFileSync(log(), `${log()}.1`);
      file.poll();
      appendFileSync(log(), 'four\n');
      copyFileSync(log(), `${log()}.1`);
      truncateSync(log());
      appendFileSync(log(), after);
      file.poll();
      file.poll();
      file.close();
      expect(seen.lines).toEqual(['one', 'two', 'three', 'four', ...(after === '' ? [] : [after.slice(0, -1)])]);
      expect(problems).toEqual([]);
      rmSync(`${log()}.1`);
    }
  });

  it('finds truncations that came one after the other, also of what was never looked at', () => {
    writeFileSync(log(), '');
    const { file, seen } = follow();
    for (let round = 0; round < 5; round += 1) {
      appendFileSync(log(), `round ${round}\n`);
      copyFileSync(log(), `${log()}.${1_795_219_200 + round}`);
      truncateSync(log());
    }
    file.poll();
    appendFileSync(log(), 'end\n');
    file.poll();
    file.close();
    expect(seen.lines).toEqual(['round 0', 'round 1', 'round 2', 'round 3', 'round 4', 'end']);
  });

  it('says what is gone where there is no copy, and does not count a copy that is being made', () => {
    writeFileSync(log(), 'one\ntwo\n');
    const { file, seen, problems } = follow();
    copyFileSync(log(), `${log()}.1`);
    file.poll();
    file.poll();
    expect(seen.lines).toEqual(['one', 'two']);
    rmSync(`${log()}.1`);
    appendFileSync(log(), 'lost\n');
    truncateSync(log());
    appendFileSync(log(), '3\n');
    file.poll();
    file.close();
    expect(seen.lines).toEqual(['one', 'two', '3']);
    expect(problems).toEqual([expect.stringContaining('emptied when 8 bytes were read')]);
  });

  it('goes on behind the hole that a writer leaves which does not append', () => {
    const fd = openSync(log(), 'w');
    writeSync(fd, 'a line that is there before it\n'.repeat(50));
    const { file, seen } = follow();
    const before = seen.lines.length;
    truncateSync(log());
    writeSync(fd, 'behind the hole\n');
    file.poll();
    writeSync(fd, 'and on\n');
    file.poll();
    file.close();
    closeSync(fd);
    expect(seen.lines.slice(before)).toEqual(['behind the hole', 'and on']);
  });

  it('waits for a file that is not there, and reads on one that is deleted', () => {
    const { file, seen } = follow();
    file.poll();
    const fd = openSync(log(), 'a');
    writeSync(fd, 'one\n');
    file.poll();
    unlinkSync(log());
    writeSync(fd, 'two\n');
    file.poll();
    writeFileSync(log(), 'three\n');
    file.poll();
    writeSync(fd, 'four\n');
    file.poll();
    file.close();
    closeSync(fd);
    expect(seen.lines).toEqual(['one', 'two', 'three', 'four']);
  });

  type Act = 'write' | 'rename' | 'copytruncate' | 'delete' | 'poll';
  it('gives every line once, in order, whatever happens between two looks', () => {
    const act = fc.oneof({ weight: 5, arbitrary: fc.constant<Act>('write') }, fc.constantFrom<Act>('rename', 'copytruncate', 'poll'));
    let runs = 0;
    fc.assert(
      fc.property(fc.array(act, { maxLength: 40 }), acts => {
        runs += 1;
        for (const name of readdirSync(folder)) rmSync(join(folder, name));
        writeFileSync(log(), '');
        const { file, seen } = follow();
        let line = 0;
        let rotation = 1_795_219_200;
        for (const one of acts) {
          if (one === 'write') appendFileSync(log(), `run ${runs} line ${(line += 1)}\n`);
          else if (one === 'poll') file.poll();
          else if (one === 'rename') {
            renameSync(log(), `${log()}.${(rotation += 1)}`);
            writeFileSync(log(), '');
          } else {
            copyFileSync(log(), `${log()}.${(rotation += 1)}`);
            truncateSync(log());
          }
        }
        file.poll();
        file.poll();
        file.close();
        expect(seen.lines).toEqual(Array.from({ length: line }, (_, index) => `run ${runs} line ${index + 1}`));
      }),
      { numRuns: 300 },
    );
  });

  it('loses nothing and counts nothing twice over 1,000 rotations under load', { timeout: 120_000 }, async () => {
    writeFileSync(log(), '');
    const { file, seen, problems } = follow({ silentMs: 500 });
    // In a thread of its own, so that its work falls anywhere between two system calls of ours.
    const writer = new Worker(
      `const fs = require('node:fs');
      const { log, rotations } = require('node:worker_threads').workerData;
      let fd = fs.openSync(log, 'a');
      let line = 0;
      const pause = new Int32Array(new SharedArrayBuffer(4));
      for (let rotation = 0; rotation < rotations; rotation += 1) {
        for (let burst = 0; burst < 20; burst += 1) {
          let text = '';
          for (let one = 0; one < 1 + (rotation * 7 + burst) % 13; one += 1) text += 'line ' + (line += 1) + ' ' + 'x'.repeat(line % 90) + '\\n';
          // Half a line at a time, as a buffer that is full is written.
          const half = text.length >> 1;
          fs.writeSync(fd, text.slice(0, half));
          fs.writeSync(fd, text.slice(half));
        }
        const old = log + '.' + (1795219200 + rotation);
        if (rotation % 3 === 0) {
          fs.copyFileSync(log, old);
          fs.truncateSync(log);
        } else {
          fs.renameSync(log, old);
          const next = fs.openSync(log, 'a');
          // What is written to the old one until its writer has the new one.
          fs.writeSync(fd, 'line ' + (line += 1) + '\\n');
          fs.closeSync(fd);
          fd = next;
        }
        if (rotation > 400) fs.unlinkSync(log + "." + (1795219200 + rotation - 400));
        Atomics.wait(pause, 0, 0, 4);
      }
      require('node:worker_threads').parentPort.postMessage(line);`,
      { eval: true, workerData: { log: log(), rotations: 1000 } },
    );
    const written: number[] = [];
    writer.on('message', (lines: number) => written.push(lines));
    const failed = new Promise<never>((_, reject) => {
      writer.once('error', reject);
    });
    while (written.length === 0) {
      file.poll();
      await Promise.race([new Promise(resolve => setTimeout(resolve, 5)), failed]);
    }
    file.poll();
    file.close();
    await writer.terminate();
    const numbers = seen.lines.map(line => Number(/^line (\d+)/.exec(line)?.[1]));
    const have = new Set(numbers);
    const lost = Array.from({ length: written[0] ?? 0 }, (_, index) => index + 1).filter(one => !have.has(one));
    expect(ranges(lost)).toEqual([]);
    expect([numbers.length]).toEqual(written);
    expect([new Set(numbers).size]).toEqual(written);
    expect(problems).toEqual([]);
  });
});

/** `3-7`, `9-9` */
function ranges(numbers: readonly number[]): readonly string[] {
  const found: { from: number; to: number }[] = [];
  for (const one of numbers) {
    const last = found.at(-1);
    if (last?.to === one - 1) last.to = one;
    else found.push({ from: one, to: one });
  }
  return found.map(({ from, to }) => `${from}-${to}`);
}
