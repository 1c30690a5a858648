import { constants } from 'node:fs';
import { access, stat, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { BadhopError } from '../core/model/error.ts';

/** Says before the work begins that the report could not be written, or would overwrite what is read. */
export async function checkReportFile(path: string, readPaths: readonly string[]): Promise<void> {
  const here = await stat(path).catch(() => undefined);
  if (here?.isDirectory() === true) throw unwritable(path, 'it is a folder');
  for (const each of readPaths) {
    const other = here && (await stat(each).catch(() => undefined));
    if (other?.isFile() === true && other.dev === here?.dev && other.ino === here.ino) {
      throw new BadhopError('usage', `--out ${path}: this is a log that is to be read`, { hint: 'Name another file for the report.' });
    }
  }
  try {
    await access(here ? path : dirname(resolve(path)), constants.W_OK);
  } catch (error) {
    throw unwritable(path, messageOf(error), error);
  }
}

/** Writes the report to its file. */
export async function writeReportFile(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    throw unwritable(path, messageOf(error), error);
  }
}

function unwritable(path: string, why: string, cause?: unknown): BadhopError {
  return new BadhopError('output-unwritable', `--out ${path}: ${why}`, { cause, hint: 'Name a file in a folder that you may write to, on a disk with room.' });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'it cannot be written';
}
