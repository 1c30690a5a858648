import type { MadeBy, MessageClass } from '../../model/facts/logs.ts';
import type { FieldRole, LinePlan } from './plan.ts';

export const logProducts = [
  'nginx',
  'apache',
  'haproxy',
  'php-fpm',
  'gunicorn',
  'uwsgi',
  'tomcat',
  'aws-alb',
  'azure-application-gateway',
  'cloudflare',
] as const;

export type LogProduct = (typeof logProducts)[number];

/** The values of one line, or of all lines alike in them; escapes of the format taken out. A field that is not there is absent. */
export type FieldValues = Readonly<Partial<Record<FieldRole, string>>>;

/**
 * What a combination of key fields means. It is worked out once for each combination, so it may cost something.
 * Lines that are alike in all of this are one series of the roll-up.
 */
export interface Outcome {
  /** Of a request. 0 where the log says none. */
  readonly status: number;
  /** The answer is one of those that have to be explained: 499, 5xx and what the product counts as a failure of a hop. */
  readonly failed: boolean;
  readonly madeBy: MadeBy;
  /** Only for `unknown`: what the log lacks. */
  readonly because?: string;
  /** Plain form of the last try's: `127.0.0.1:8080`, `unix:/run/x.sock`, or a group's name. */
  readonly peer?: string;
  /** Of the tries that failed behind a good answer. Empty where the log says that there were some, but not which. */
  readonly hiddenPeers?: readonly string[];
  readonly server?: string;
  readonly method?: string;
  /** Of a message, or of an access log's own word for the reason (`SH--`, `BackendConnectTimeout`). */
  readonly class?: MessageClass;
  readonly level?: string;
  /** The text of the message without what differs from line to line, or the reason's word. */
  readonly message?: string;
}

/** A format that a log may have. */
export interface LogFormat {
  /** `nginx-combined`, `nginx-error`, `aws-alb`; of a log_format of a configuration `nginx:<name>`. */
  readonly id: string;
  /** `nginx access log (combined)` */
  readonly title: string;
  readonly product: LogProduct;
  /** `access`: a line is a request. `error`: a line is a message; one that fits not continues the one before it. */
  readonly kind: 'access' | 'error';
  readonly plan: LinePlan;
  /** Fields that a line has, for telling what the log cannot say. */
  readonly roles: readonly FieldRole[];
  /** Of the fields whose use is `key`, `first-word`, `shape`, `collapsed` or `authority`. Never throws. */
  outcome(values: FieldValues): Outcome;
}
