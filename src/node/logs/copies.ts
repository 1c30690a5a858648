import { open } from 'node:fs/promises';
import { compressionOf } from './compression.ts';
import type { Input } from './find-inputs.ts';
import { withoutCompression } from './rotation-order.ts';
import { FileSource, readFully } from './source.ts';
import { uncompressed } from './uncompress.ts';

const headBytes = 4096;

/**
 * Where a log and what became of it when it was compressed lie beside each other (`access.log.1` and `access.log.1.gz`, while
 * logrotate is at work or after `gzip -k`), it is read once: the compressed one is left out where both begin alike.
 */
export async function leaveOutCopies(inputs: readonly Input[]): Promise<readonly Input[]> {
  const plain = new Map(inputs.filter(({ kind }) => kind === 'file').map(input => [input.path, input]));
  return await Promise.all(
    inputs.map(async input => {
      const original = input.kind === 'file' ? plain.get(withoutCompression(input.path)) : undefined;
      if (original === undefined || original === input || !(await beginAlike(original.path, input.path))) return input;
      return { kind: 'copy', path: input.path, why: `it holds what ${original.path} does, compressed` } as const;
    }),
  );
}

async function beginAlike(plainPath: string, compressedPath: string): Promise<boolean> {
  const [plain, compressed] = await Promise.all([headOf(plainPath), headOf(compressedPath)]);
  if (plain === undefined || compressed === undefined) return false;
  // Of one that is still being written only the start may be there yet.
  const length = Math.min(plain.length, compressed.length);
  return compressed.length === 0 || (length > 0 && Buffer.compare(plain.subarray(0, length), compressed.subarray(0, length)) === 0);
}

async function headOf(path: string): Promise<Uint8Array | undefined> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return undefined;
  const whole = new FileSource(file.fd, 0, Number.POSITIVE_INFINITY);
  const mark = new Uint8Array(8);
  const compression = compressionOf(mark.subarray(0, await readFully(whole, mark)));
  const inner = new FileSource(file.fd, 0, Number.POSITIVE_INFINITY);
  const source = compression === undefined ? inner : await uncompressed(inner, compression);
  const head = new Uint8Array(headBytes);
  const length = await readFully(source, head);
  source.close();
  await file.close();
  return head.subarray(0, length);
}
