/** Something that was changed on the host in the window or shortly before it. */
export interface Change {
  readonly kind: 'config-file' | 'package' | 'unit-start' | 'unit-stop' | 'nginx-reload' | 'deploy' | 'certificate' | 'clock';
  /** Of `clock`: by the clock as it is since then. */
  readonly timeMs: number;
  /** What was changed: a path, the packages, a unit. */
  readonly subject: string;
  /** What happened to it, as the end of a sentence: `changed`, `was upgraded`, `started`. */
  readonly verb: string;
  /** `file:/etc/nginx/conf.d/shop.conf`, `file:/var/log/dpkg.log`, `journal:shop.service`. */
  readonly source: string;
  /** Services that it concerns; absent where it may concern any. */
  readonly serviceIds?: readonly string[];
  /** What tells the file from the backup beside it: a unified diff of at most 40 lines. */
  readonly diff?: string;
  /** The command line that did it. */
  readonly by?: string;
  /** Of `clock`: how far it was set, back where it is negative. */
  readonly setMs?: number;
  /** Of a package: its name, and what was there before and is there since, as the package manager writes versions. */
  readonly package?: { readonly name: string; readonly from?: string; readonly to?: string };
}

/** A change shortly before a symptom's first failure. That it is the cause is not said. */
export interface Since {
  /** `12 s after /etc/nginx/conf.d/shop.conf changed`. */
  readonly text: string;
  readonly source: string;
  readonly timeMs: number;
  readonly diff?: string;
}

/** When and where a symptom shows itself, beyond its shape in time. */
export interface Circumstance {
  readonly symptomId: string;
  /** The nearest change first, at most two. */
  readonly since: readonly Since[];
  /** Which requests fail where others do not: `only POST /export/{n}`. */
  readonly where?: string;
}
