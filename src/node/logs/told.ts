/** What happened to a file or a program, in words for the report. */

const words: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'it does not exist: a part of the path is not a folder',
  EACCES: 'permission denied: run as root, or as a user who may read it',
  EPERM: 'permission denied: run as root, or as a user who may read it',
  ELOOP: 'it is a loop of links',
  EIO: 'the disk could not read it',
  ESTALE: 'the file server no longer knows it',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open on this machine',
  ENAMETOOLONG: 'no path can be so long',
  ERR_INVALID_ARG_VALUE: 'it is no possible path',
};

/** The errno name of a failed system call, `UNKNOWN` where there is none. */
export function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN';
}

export function told(error: unknown): string {
  const code = codeOf(error);
  const word = words[code];
  if (word !== undefined) return word;
  return code === 'UNKNOWN' && error instanceof Error ? error.message : `it could not be read (${code})`;
}
