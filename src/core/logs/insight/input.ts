import type { MessageClass } from '../../model/facts/logs.ts';
import type { LogsReport } from '../../model/logs-report.ts';
import type { FieldValues, LogFormat } from '../scan/format.ts';
import type { RollUp } from '../scan/roll-up.ts';

/** All that is known of logs once they are read, and what a description of them needs beside it. */
export interface LogsInput {
  readonly rollUp: RollUp;
  /** Those that lines of the roll-up have, at least. */
  readonly formats: readonly LogFormat[];
  /** What went wrong with single inputs; also those of which nothing was read. */
  readonly inputs: readonly InputProblems[];
  readonly nowMs: number;
  /** As the report tells it. */
  readonly zone: string;
  /** Why reading was broken off. */
  readonly partial?: string;
  readonly faults: readonly KnownFault[];
  /** All fields of a sampled line. */
  readFields(format: LogFormat, text: string): FieldValues | undefined;
  /** Takes secrets out of a text before it is told. */
  redact(text: string): string;
}

export interface InputProblems {
  readonly path: string;
  readonly problems: readonly string[];
  /** Why nothing of it was read. */
  readonly unread?: string;
  /** Why it need not be read. */
  readonly skipped?: string;
}

/** What findings take from a fault of the catalogue. */
export interface KnownFault {
  readonly id: string;
  readonly layer: string;
  readonly title: string;
  readonly explains: readonly (MessageClass | (string & {}))[];
}

/** A report without what only the command knows. */
export type LogsInsight = Omit<LogsReport, 'tool' | 'startedAt' | 'durationMs'>;
