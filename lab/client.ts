/** What the lab's browser (`client-program.mjs`) is asked, and what it answers. */
export interface ClientTask {
  /** Taken in turn. */
  readonly urls: readonly string[];
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** How many requests; default 1 where `seconds` is not given. */
  readonly count?: number;
  /** How long to go on sending. */
  readonly seconds?: number;
  /** Requests started a second; default 10 with `seconds`, without `seconds` all at once. */
  readonly rps?: number;
  /** Most requests open at once; default 64. What would exceed it is not sent. */
  readonly concurrency?: number;
  /** Give up on a request after this time; nginx sees a client that went away (499). Default 10 000. */
  readonly timeoutMs?: number;
}

export interface ClientResult {
  /** Requests a status; `timeout`, `reset` and other errors by their code. */
  readonly counts: Readonly<Record<string, number>>;
  readonly total: number;
  /** Of the first 200 requests, in the order in which they ended. */
  readonly responses: readonly ClientResponse[];
  readonly slowestMs: number;
  /** When each request began and ended, ms since 1970, and its status or error, in the order in which they ended; of the first 5000. */
  readonly answers: readonly (readonly [number, number, string])[];
}

export interface ClientResponse {
  readonly url: string;
  /** 0 where there was no answer. */
  readonly status: number;
  readonly error: string;
  readonly ms: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The first 2000 characters. */
  readonly body: string;
  readonly bodyBytes: number;
}
