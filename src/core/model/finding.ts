export type Confidence = 'confirmed' | 'likely' | 'possible';
export type FindingStatus = 'active' | 'past' | 'latent';

/** Which hop is bad. `peers` lists every peer id (or group name) that it stands for: chains are joined over them. */
export interface Subject {
  readonly kind: 'nginx' | 'server' | 'route' | 'upstream' | 'peer' | 'service' | 'unit' | 'process' | 'file' | 'host';
  /** Id in the topology or in the services: `127.0.0.1:9000`, `php-fpm:www`, `unit:api.service`. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  readonly peers: readonly string[];
}

/** A verbatim piece of the host that proves something, and where it stands. */
export interface Evidence {
  /** `file:/var/log/nginx/error.log:812`, `probe:http 127.0.0.1:8080`, `exec:ss -ltn`, `journal:api.service`, `config:/etc/nginx/nginx.conf:12`. */
  readonly source: string;
  readonly text: string;
}

/** What a fault yields. The engine adds the fault's id, title and text from its `meta`. */
export interface Detection<MessageId extends string = string> {
  readonly confidence: Confidence;
  readonly status: FindingStatus;
  readonly subject: Subject;
  readonly messageId: MessageId;
  /** Fills the `{placeholders}` of the message. */
  readonly data: Readonly<Record<string, string | number>>;
  /** Instead of the fault's own, where that is not true of what is over. */
  readonly title?: string;
  /** At least one piece. */
  readonly evidence: readonly [Evidence, ...Evidence[]];
  /** Ids of the symptoms that this explains. */
  readonly symptoms: readonly string[];
  /** Facts for the fix of this finding: plain data, by the fix's own names. */
  readonly fixData?: Readonly<Record<string, unknown>>;
  /** It goes on although what began it is over: a past finding is not its root. */
  readonly outlivesCause?: true;
}

export interface Finding {
  readonly fault: string;
  readonly layer: string;
  readonly confidence: Confidence;
  readonly status: FindingStatus;
  readonly subject: Subject;
  readonly title: string;
  readonly explanation: string;
  /** Share of the failing requests in the window that this and its consequences explain, 0 to 1. */
  readonly share: number;
  readonly evidence: readonly Evidence[];
  readonly symptoms: readonly string[];
  readonly consequences: readonly string[];
  /** Fault id of the root that brought this about; absent on a root. */
  readonly causedBy?: string;
  /** It advises: the host is not at risk by it. */
  readonly advice?: true;
  readonly fixes: readonly FixPlan[];
  readonly fixData?: Readonly<Record<string, unknown>>;
}

/** One step of a plan. Nothing here is executed by the diagnosis. An edit with an empty `before` makes a new file, which must not be there yet. */
export type FixStep =
  | { readonly kind: 'edit'; readonly path: string; readonly line?: number; readonly before: string; readonly after: string; readonly diff: string }
  | { readonly kind: 'command'; readonly argv: readonly string[]; readonly undo?: readonly string[]; readonly disruptive: boolean; readonly why: string }
  | { readonly kind: 'manual'; readonly text: string; readonly commands: readonly string[] };

export interface FixPlan {
  readonly id: string;
  readonly summary: string;
  /** True where badhop may apply it, guarded, when asked. */
  readonly automatic: boolean;
  readonly risk: 'low' | 'medium' | 'high';
  readonly minutes: number;
  readonly steps: readonly FixStep[];
  /** Commands that must succeed before anything reloads, e.g. `nginx -t`. */
  readonly validate: readonly (readonly string[])[];
  /** What shows that it worked. */
  readonly verify: string;
  /** Seconds until it has its whole effect, where that is not at once. */
  readonly takesSeconds?: number;
}
