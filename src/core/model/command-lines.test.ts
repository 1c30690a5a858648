import fc from 'fast-check';
import { expect, it } from 'vitest';
import { commandLinesArgv, formatCommandLines, parseCommandLines, parseStatLines, readsCommandLines, statLinesArgv } from './command-lines.ts';

// GNU grep 3.8 on Debian 12.
const printed =
  '/proc/71/cmdline\0/usr/sbin/sshd\0/proc/71/cmdline\0-D\0/proc/90/cmdline\0php-fpm: pool www\0/proc/91/cmdline\0sh\0/proc/91/cmdline\0\0/proc/91/cmdline\0x\0';

it('gives what each file holds, an empty argument too', () => {
  expect([...parseCommandLines(printed)]).toEqual([
    [71, '/usr/sbin/sshd\0-D\0'],
    [90, 'php-fpm: pool www\0'],
    [91, 'sh\0\0x\0'],
  ]);
});

it('leaves out what was cut off, and is not led astray by an argument that looks like a file', () => {
  expect([...parseCommandLines('/proc/7/cmdline\0/proc/8/cmdline\0/proc/7/cmdline\0-D')]).toEqual([[7, '/proc/8/cmdline\0']]);
  expect(parseCommandLines('grep: unknown option\n').size).toBe(0);
});

it('reads what it prints', () => {
  const argument = fc.string({ maxLength: 8 }).map(text => text.replaceAll('\0', ''));
  const line = fc.array(argument, { minLength: 1, maxLength: 4 }).map(all => all.map(one => `${one}\0`).join(''));
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 4_194_304 }), line), { selector: ([pid]) => pid }), all => {
      expect([...parseCommandLines(formatCommandLines(new Map(all)))]).toEqual(all);
    }),
  );
});

it('gives /proc/PID/stat of each process, whatever its name is', () => {
  // The second is a process that was named so to look like another file.
  const stats = '/proc/71/stat\x0071 (sshd) S 1\n\0/proc/72/stat\x0072 (a\n/proc/9/stat) R 1\n\0/proc/73/stat\x0073 (cut';
  expect([...parseStatLines(stats)]).toEqual([
    [71, '71 (sshd) S 1\n'],
    [72, '72 (a\n/proc/9/stat) R 1\n'],
  ]);
  expect(parseCommandLines(stats).size).toBe(0);
});

it('never throws', () => {
  fc.assert(fc.property(fc.string(), text => parseCommandLines(text).size + parseStatLines(text).size >= 0));
});

it('knows its own command', () => {
  expect(readsCommandLines(commandLinesArgv([7]))).toBe(true);
  expect(readsCommandLines(statLinesArgv([7]))).toBe(false);
  expect(readsCommandLines(['grep', '-r', 'x'])).toBe(false);
});
