/** Every way badhop itself can fail to run. A fault of the host is never one of these. */
export const errorTable = {
  usage: { title: 'Wrong use', hint: 'See `badhop --help`.' },
  'bundle-unreadable': { title: 'The bundle cannot be read', hint: 'Record one with `badhop collect`, and give its folder.' },
  'bundle-exists': { title: 'The folder for the bundle is not empty', hint: 'Name a new folder.' },
  'bundle-unwritable': { title: 'The bundle cannot be written', hint: 'Name a folder that you may write to, on a disk with room.' },
  'log-unreadable': {
    title: 'No log can be read',
    hint: 'Give files, folders or patterns that you may read, such as /var/log/nginx/, or `-` for standard input.',
  },
  'config-unreadable': {
    title: 'No configuration can be read',
    hint: 'Give an nginx.conf, a folder that holds one, the output of `nginx -T`, or `-` for standard input.',
  },
  'config-unwritable': { title: 'The configuration was not changed', hint: 'Run it as a user who may write to the file and its folder.' },
  'output-unwritable': { title: 'The output cannot be written', hint: 'Look at where it goes to: is its disk full?' },
  'change-refused': { title: 'The change is not made', hint: 'Nothing was touched. `badhop fix` shows the plans anew.' },
  'state-unusable': {
    title: 'Changes cannot be written down',
    hint: 'Nothing is changed without that. Run as root, or name another folder with --state or BADHOP_STATE.',
  },
  'state-untrusted': {
    title: 'Others may write to the journal of changes',
    hint: 'Nothing in it is read or carried out. Let it belong to root alone (chown root, chmod 700), after looking who put what there.',
  },
  'node-too-old': { title: 'This Node.js is too old', hint: 'Install Node.js 20.11 or later.' },
  internal: { title: 'A bug in badhop', hint: 'Please report it with the output of `badhop diagnose --format json`.' },
} as const;

export type ErrorCode = keyof typeof errorTable;

/** The one error class. `message` names the thing and the place; `hint` says what to do. */
export class BadhopError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, options: { readonly cause?: unknown; readonly hint?: string } = {}) {
    super(message, { cause: options.cause });
    this.name = 'BadhopError';
    this.code = code;
    this.hint = options.hint ?? errorTable[code].hint;
  }
}
