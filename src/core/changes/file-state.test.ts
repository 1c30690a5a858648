import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordedFile } from '../model/change.ts';
import { isHalfWritten, standingOf } from './file-state.ts';

const bytes = (text: string): Uint8Array => Uint8Array.from(text, char => char.charCodeAt(0));
const owner = { uid: 0, gid: 0, mode: 0o644, modifiedMs: 0 };
const file: RecordedFile = { path: '/a', target: '/a', way: 'in-place', before: { sha256: 'b', size: 3, ...owner }, after: { sha256: 'n', size: 5 } };

describe('a file of an unfinished change', () => {
  it.each([
    ['b', 'old', 'before'],
    ['n', 'newer', 'after'],
    ['?', 'neld', 'foreign'],
    ['?', 'ned', 'half'],
    ['?', 'newe', 'half'],
    ['?', 'xyz', 'foreign'],
  ] as const)('with hash %s and text %s stands at %s', (sha256, text, standing) => {
    expect(standingOf(file, { sha256, bytes: bytes(text) }, bytes('old'), bytes('newer'))).toBe(standing);
  });

  it('is foreign where it was replaced and not written over', () => {
    expect(standingOf({ ...file, way: 'rename' }, { sha256: '?', bytes: bytes('ned') }, bytes('old'), bytes('newer'))).toBe('foreign');
  });

  it('that is new is as before while it is not there', () => {
    const { before: _before, ...made } = file;
    expect(standingOf(made, { sha256: undefined, bytes: undefined }, undefined, bytes('newer'))).toBe('before');
  });

  it('is known as half written wherever the writing was cut off', () => {
    const text = fc.uint8Array({ maxLength: 30 });
    fc.assert(
      fc.property(text, text, fc.nat(), (old, next, at) => {
        const cut = at % (next.length + 1);
        expect(isHalfWritten(Uint8Array.from([...next.slice(0, cut), ...old.slice(cut)]), old, next)).toBe(true);
      }),
    );
  });
});
