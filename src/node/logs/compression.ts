import { recordLevel } from './json-document.ts';

/** How a file is compressed, told by its first bytes: names lie (`access.log.1` may be gzip, `x.gz` may not). */

export type Compression = 'gzip' | 'zstd' | 'bzip2' | 'xz';

/** `undefined`: not compressed, or in no way that is known. RFC 1952, RFC 8878 (frames and skippable frames), bzip2 1.0.8, xz 1.2.1. */
export function compressionOf(head: Uint8Array): Compression | undefined {
  const starts = (...bytes: number[]): boolean => bytes.every((byte, index) => head[index] === byte);
  if (starts(0x1f, 0x8b, 0x08)) return 'gzip';
  if (starts(0x28, 0xb5, 0x2f, 0xfd)) return 'zstd';
  if (head[0] !== undefined && (head[0] & 0xf0) === 0x50 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18) return 'zstd';
  if (starts(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)) return 'xz';
  // `BZh`, the size of a block, and the mark of a block or of an empty stream's end.
  const size = head[3] ?? 0;
  if (starts(0x42, 0x5a, 0x68) && size >= 0x31 && size <= 0x39 && (head[4] === 0x31 || head[4] === 0x17)) return 'bzip2';
  return undefined;
}

/** What is no text of lines: an archive, a program, a document. In words, for the report. */
export function otherKindOf(head: Uint8Array): string | undefined {
  const text = String.fromCharCode(...head.subarray(0, 8));
  if (text.startsWith('PK\u0003\u0004')) return 'a zip archive';
  if (text.startsWith('\u001f\u009d')) return 'compressed by compress (.Z)';
  if (text.startsWith('\u0004"M\u0018')) return 'compressed by lz4';
  if (text.startsWith('7z\u00bc\u00af')) return 'a 7-Zip archive';
  if (text.startsWith('\u007fELF')) return 'a program';
  if (text.startsWith('LPKSHHRH')) return "systemd's journal (use --journal)";
  // It is read by its records.
  if (recordLevel(head) !== undefined) return 'a JSON document';
  return undefined;
}
