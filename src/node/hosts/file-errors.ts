import { absent, denied, timedOut, unparsable, type Unknown } from '../../core/model/fact.ts';

/** The errno name of a failed system call, `UNKNOWN` where there is none. */
export function errorCode(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string') return error.code;
  return 'UNKNOWN';
}

/** A failed file operation as what it says about the thing. */
export function unknownFrom(error: unknown, path: string): Unknown {
  const code = errorCode(error);
  switch (code) {
    case 'ENOENT':
      return absent(`${path} does not exist`);
    case 'ESRCH':
      return absent(`${path} is gone: the process has ended`);
    case 'ENOTDIR':
      return absent(`${path} does not exist: a part of the path is not a folder`);
    case 'EACCES':
    case 'EPERM':
      return denied(`${path}: permission denied`, `Run as root to read ${path}.`);
    case 'ETIMEDOUT':
      return timedOut(`${path}: the file system did not answer`);
    case 'EAGAIN':
      return unparsable(`${path} has nothing to read now`);
    case 'EISDIR':
      return unparsable(`${path} is a folder`);
    case 'ELOOP':
      return unparsable(`${path} is a loop of links`);
    case 'ENAMETOOLONG':
    case 'ERR_INVALID_ARG_VALUE':
      return absent(`${path.slice(0, 80)}… is not a possible path`);
    default:
      return unparsable(`${path} could not be read: ${code}`);
  }
}
