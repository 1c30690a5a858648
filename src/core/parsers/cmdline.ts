/** Bounds of one command line: more is of no use and could fill the memory. */
const MAX_ARGUMENTS = 64;
const MAX_ARGUMENT_LENGTH = 512;

const SECRET_NAME = /(?:^|[^a-z])(?:passw(?:or)?d|passphrase|pwd|secret|token|credentials?|api[-_]?key|access[-_]?key|private[-_]?key)$/i;

/**
 * The arguments in `/proc/PID/cmdline`: each ended by a NUL. Programs that overwrite their title
 * (`nginx: worker process`, `php-fpm: pool www`) leave one text with blanks, which stays one argument.
 * Sample: `/usr/sbin/php-fpm8.2\0--nodaemonize\0--fpm-config\0/etc/php/8.2/fpm/php-fpm.conf\0`.
 */
export function parseCmdline(text: string): readonly string[] {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 0) end -= 1;
  if (end === 0) return [];
  const argv = text.slice(0, end).split('\0', MAX_ARGUMENTS);
  return redactArguments(argv.map(argument => argument.slice(0, MAX_ARGUMENT_LENGTH).trimEnd()));
}

/** Replaces what looks like a secret: `--password=x`, `--token x`, `DB_PASSWORD=x`, `scheme://user:x@host`. */
export function redactArguments(argv: readonly string[]): readonly string[] {
  return argv.map((argument, index) => {
    const before = index === 0 ? '' : (argv[index - 1] ?? '');
    if (before.startsWith('-') && !before.includes('=') && SECRET_NAME.test(before) && !argument.startsWith('-')) return '[redacted]';
    const equals = argument.indexOf('=');
    if (equals > 0 && SECRET_NAME.test(argument.slice(0, equals))) return `${argument.slice(0, equals)}=[redacted]`;
    return redactUserInfo(argument);
  });
}

function redactUserInfo(argument: string): string {
  const scheme = argument.indexOf('://');
  if (scheme < 0) return argument;
  const at = argument.indexOf('@', scheme + 3);
  const slash = argument.indexOf('/', scheme + 3);
  if (at < 0 || (slash >= 0 && slash < at)) return argument;
  const colon = argument.indexOf(':', scheme + 3);
  if (colon < 0 || colon > at) return argument;
  return `${argument.slice(0, colon)}:[redacted]${argument.slice(at)}`;
}
