import type { Address } from '../host.ts';
import type { Evidence } from '../finding.ts';
import type { ServiceKind, Sourced } from './backend.ts';

export type ProgramManager = 'pm2' | 'supervisor';

/**
 * What the manager has done with the program last. `waiting`: it ended, and the manager will start it again.
 * `exited`: it ended by itself and stays so. `given-up`: it ended too often (pm2's `errored`, supervisor's FATAL).
 */
export type ProgramState = 'running' | 'starting' | 'waiting' | 'stopped' | 'exited' | 'given-up';

/** A program that pm2 or supervisord keeps running: what a systemd unit is to systemd. */
export interface ManagedProgram {
  /** `pm2:api`, `supervisor:shop:web`; with the user where two managers have one of the same name. */
  readonly id: string;
  readonly manager: ProgramManager;
  /** As the manager's own commands take it. */
  readonly name: string;
  /** For people: `pm2 app api`, `supervisor program web`. */
  readonly label: string;
  readonly state: ProgramState;
  /** The manager's own word for the state: `errored`, `FATAL`. */
  readonly word: string;
  /** Who runs the manager. */
  readonly user?: string;
  readonly managerPid?: number;
  /** The manager itself does not run: what it last logged is all that is known. */
  readonly isManagerGone?: true;
  /** PM2_HOME, or supervisord's configuration file. */
  readonly home: string;
  /** Main processes of its running instances. */
  readonly pids: readonly number[];
  /** Instances that the manager told of. */
  readonly instances: number;
  readonly kind?: ServiceKind;
  /** Its script or command, as far as it is known. */
  readonly command?: string;
  /** Where its command, its settings or its own log say that it listens. */
  readonly addresses: readonly Sourced<Address>[];
  readonly logFiles: readonly string[];
  /** What the manager logged of it, in time order, bounded. */
  readonly lines: readonly ProgramLine[];
  /** Last lines of its own error log. */
  readonly words: readonly Evidence[];
  /** The manager's answer when it was asked for the state. */
  readonly told?: Evidence;
}

/** One line of the manager's log. */
export interface ProgramLine {
  readonly kind: 'starting' | 'running' | 'stop-asked' | 'ended' | 'spawn-failed' | 'waiting' | 'gave-up' | 'memory';
  readonly timeMs: number;
  readonly text: string;
  readonly source: string;
  /** Which of its instances; pm2's number or supervisor's process name. */
  readonly instance: string;
  /** The end was asked for. */
  readonly asked?: true;
  readonly status?: number;
  /** Without `SIG`: `SEGV`. */
  readonly signal?: string;
  readonly pid?: number;
  /** Starts that failed until the manager gave up, where the line tells. */
  readonly tries?: number;
}
