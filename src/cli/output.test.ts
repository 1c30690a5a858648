import { describe, expect, it } from 'vitest';
import { chooseLook } from './output.ts';

const terminal = { isTTY: true, columns: 132 };
const pipe = {};
const utf8 = { TERM: 'xterm-256color', LANG: 'de_DE.UTF-8' };

describe('how a stream is written to', () => {
  it.each([
    ['a terminal', terminal, utf8, { color: true }, true],
    ['a pipe', pipe, utf8, { color: true }, false],
    ['a terminal with --no-color', terminal, utf8, { color: false }, false],
    ['a terminal with NO_COLOR', terminal, { ...utf8, NO_COLOR: '1' }, { color: true }, false],
    ['a terminal with an empty NO_COLOR', terminal, { ...utf8, NO_COLOR: '' }, { color: true }, true],
    ['a dumb terminal', terminal, { TERM: 'dumb' }, { color: true }, false],
    ['a pipe with FORCE_COLOR', pipe, { ...utf8, FORCE_COLOR: '1' }, { color: true }, true],
    ['a pipe with FORCE_COLOR and NO_COLOR', pipe, { ...utf8, FORCE_COLOR: '1', NO_COLOR: '1' }, { color: true }, false],
    ['a terminal with FORCE_COLOR=0', terminal, { ...utf8, FORCE_COLOR: '0' }, { color: true }, false],
  ])('decides on colour for %s', (_, stream, env, asked, colour) => {
    expect(chooseLook(stream, env, asked).colour).toBe(colour);
  });

  it.each([
    ['--width', terminal, { COLUMNS: '70' }, 60, 60],
    ['the terminal', terminal, { COLUMNS: '70' }, undefined, 132],
    ['COLUMNS', pipe, { COLUMNS: '70' }, undefined, 70],
    ['COLUMNS, where a terminal does not know its size', { isTTY: true, columns: 0 }, { COLUMNS: '70' }, undefined, 70],
    ['nothing', pipe, {}, undefined, 80],
    ['a COLUMNS of nonsense', pipe, { COLUMNS: '-3x' }, undefined, 80],
  ])('takes the width from %s', (_, stream, env, width, expected) => {
    expect(chooseLook(stream, env, { color: true, width }).width).toBe(expected);
  });

  it.each([
    [{ LANG: 'C' }, false],
    [{ LANG: 'C.UTF-8' }, true],
    [{ LANG: 'en_US.utf8' }, true],
    [{ LC_ALL: 'POSIX', LANG: 'en_US.UTF-8' }, false],
    [{ LC_ALL: '', LC_CTYPE: 'UTF-8' }, true],
    [{ LANG: 'en_US.UTF-8', TERM: 'dumb' }, false],
  ])('reads the character set from %j', (env, unicode) => {
    expect(chooseLook(terminal, env, { color: true }).unicode).toBe(unicode);
  });
});
