/** Who made a change: the user that badhop ran as, and behind sudo the person who called it. */
export interface ChangeAuthor {
  readonly uid: number;
  readonly user: string;
  /** SUDO_USER; anybody who may use sudo can set it, so it is a hint and no proof. */
  readonly sudoUser?: string;
}

/** What a file was, or is to be. `sha256` in hex. */
export interface FileContent {
  readonly sha256: string;
  readonly size: number;
}

/** What goes back with the bytes. */
export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
  /** Permission bits, as of `stat`, without the kind. */
  readonly mode: number;
  readonly modifiedMs: number;
}

/** One file of a change. `before` is absent where the file is made, `after` where it is removed. */
export interface RecordedFile {
  /** As the plan names it. */
  readonly path: string;
  /** What is written: the path with its links resolved. */
  readonly target: string;
  /** `rename`: a new file takes its place. `in-place`: the file keeps its inode, because it has other names or cannot be replaced. */
  readonly way: 'rename' | 'in-place';
  readonly before?: FileContent & FileOwner;
  readonly after?: FileContent;
}

/** A command of a change, and the process that it means where it names one by its id. */
export interface RecordedCommand {
  readonly argv: readonly string[];
  readonly undo?: readonly string[];
  readonly disruptive: boolean;
  /** Start of each process that `argv` names, in clock ticks since boot: an id alone may mean another one later. */
  readonly processes?: readonly { readonly pid: number; readonly startTicks: string }[];
}

/** What a change is, written down and synced before anything is touched. The format is decided in `docs/adr`. */
export interface ChangeRecord {
  readonly version: 1;
  /** Sorts by time: `20261121T171503Z-4f2a9c`. */
  readonly id: string;
  readonly kind: 'fix' | 'undo';
  /** The change that this one takes back. */
  readonly undoes?: string;
  readonly toolVersion: string;
  /** ISO 8601. */
  readonly at: string;
  readonly who: ChangeAuthor;
  readonly plan: { readonly id: string; readonly summary: string; readonly fault?: string; readonly subject?: string };
  readonly files: readonly RecordedFile[];
  /** Folders that the change makes, outermost first. */
  readonly folders: readonly string[];
  /** Folders that go with the last file in them once it is committed, outermost first. */
  readonly emptied?: readonly string[];
  readonly validate: readonly (readonly string[])[];
  readonly commands: readonly RecordedCommand[];
}

/** Where a change stands. The last three are its ends. */
export type ChangeState =
  | 'prepared'
  | 'writing'
  | 'written'
  | 'validated'
  | 'command-started'
  | 'command-ended'
  | 'verifying'
  | 'rolling-back'
  | 'committed'
  | 'rolled-back'
  | 'conflict';

/** A line of a change's log. */
export interface ChangeEvent {
  readonly atMs: number;
  readonly state: ChangeState;
  /** Index of the file or of the command. */
  readonly index?: number;
  /** Why, or what came of it. */
  readonly text?: string;
}

/** What the host did after a change, in the words of the report. `ended`: the symptom is gone and did not come back. */
export interface Verification {
  readonly state: 'ended' | 'goes-on' | 'unknown';
  readonly text: string;
  /** Requests in the access log since the change, and how many of them failed; absent where none came. */
  readonly after?: { readonly requests: number; readonly failed: number };
  readonly before?: { readonly requests: number; readonly failed: number };
  readonly seconds: number;
}

/** How an attempt at a change ended. `unverified`: it stays, and nobody can say whether it helped. */
export interface ChangeResult {
  readonly outcome: 'applied' | 'unverified' | 'rolled-back' | 'roll-back-failed' | 'refused';
  /** Absent where nothing was begun. */
  readonly id?: string;
  /** Why it was not made, or taken back. */
  readonly why?: string;
  /** A unified diff of what somebody else changed. */
  readonly diff?: string;
  /** What else has to be known: warnings, and what is left to do by hand. */
  readonly notes: readonly string[];
  readonly verification?: Verification;
}
