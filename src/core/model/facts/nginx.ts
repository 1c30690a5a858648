/** A running nginx: a master and its workers. */
export interface NginxInstance {
  /** `nginx` for the only one, else `nginx@PID`; `nginx-installed` for one that is installed and not running. */
  readonly id: string;
  readonly running: boolean;
  readonly masterPid?: number;
  /** As whom the master runs; of an installed one, the user of its unit. Its binary is asked as this user and no other. */
  readonly masterUid?: number;
  readonly masterGid?: number;
  readonly binary: string;
  readonly prefix: string;
  readonly configPath: string;
  /** `-g` directives from the command line. */
  readonly globalDirectives: string;
  /** `1.22.1`; absent when the binary could not be asked. */
  readonly version?: string;
  /** `nginx`, `openresty`, `tengine`, `freenginx`, `angie`. */
  readonly flavour: string;
  readonly configureArguments: string;
  readonly startMs?: number;
  /** User of the workers. */
  readonly workerUser?: string;
  readonly workerUid?: number;
  readonly workerGids?: readonly number[];
  readonly workers: readonly NginxWorker[];
  readonly unit?: string;
  readonly pidFile?: string;
}

export interface NginxWorker {
  readonly pid: number;
  readonly startMs: number;
  readonly state: string;
  readonly shuttingDown: boolean;
  readonly openFiles?: number;
  readonly openFilesLimit?: number;
}

/** The verdict of `nginx -t` with the instance's own binary, config and prefix. Nothing is reloaded. */
export interface NginxConfigTest {
  readonly instanceId: string;
  readonly ok: boolean;
  /** The lines nginx printed, redacted. */
  readonly output: readonly string[];
  /** First `[emerg]`: what and where. */
  readonly error?: { readonly text: string; readonly path?: string; readonly line?: number };
  /** The test failed for lack of rights, not because of the config. */
  readonly denied: boolean;
}

/** One configuration file, byte for byte: `text` holds one character a byte (latin1), so offsets are byte offsets. */
export interface ConfigFile {
  readonly path: string;
  readonly text: string;
  readonly modifiedMs?: number;
  /** When its content, name or rights changed last (ctime): a file that was put in place with an older time has a newer one here. */
  readonly changedMs?: number;
}

export interface ConfigToken {
  /** Unquoted, unescaped, decoded as UTF-8. */
  readonly value: string;
  readonly quote: '' | '"' | "'";
  /** Byte range in the file, with quotes. */
  readonly start: number;
  readonly end: number;
}

/** A directive with its arguments and, where it has one, its block. */
export interface ConfigDirective {
  readonly name: string;
  readonly args: readonly ConfigToken[];
  /** Directives of a `{}` block. */
  readonly block?: readonly ConfigDirective[];
  /** Body of a raw block (`*_by_lua_block`). */
  readonly raw?: string;
  readonly path: string;
  /** 1-based line of the name. */
  readonly line: number;
  /** Byte range from the name to the `;` or `}`. */
  readonly start: number;
  readonly end: number;
  /** For `include`: what the files in it hold, in order. */
  readonly included?: readonly { readonly path: string; readonly directives: readonly ConfigDirective[] }[];
}

export interface ConfigProblem {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

/** The configuration of one instance. `directives` is the tree of the main file with includes in place. */
export interface NginxConfig {
  readonly instanceId: string;
  readonly mainPath: string;
  readonly files: readonly ConfigFile[];
  readonly directives: readonly ConfigDirective[];
  readonly problems: readonly ConfigProblem[];
  /** Include targets that could not be read, with the reason. */
  readonly unread: readonly { readonly path: string; readonly why: string }[];
}

/** Where a setting comes from: a line of the configuration, or a default of this nginx version. */
export type SettingOrigin = { readonly kind: 'file'; readonly path: string; readonly line: number } | { readonly kind: 'default'; readonly version: string };

/** A directive in force at one place. `ms` / `bytes` are set where its first argument is a time / a size. */
export interface Setting {
  readonly directive: string;
  readonly args: readonly string[];
  readonly origin: SettingOrigin;
  readonly ms?: number;
  readonly bytes?: number;
}
