import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pathToFileURL } from 'node:url';

/**
 * The lab's browser: runs inside a lab host, reads one task as JSON from stdin, sends the requests and prints one
 * result as JSON. It always ends: after `count` requests, after `seconds`, or on SIGTERM.
 */
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

function sendOne(task: ClientTask, url: string): Promise<ClientResponse> {
  const started = performance.now();
  return new Promise(resolve => {
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    let body = '';
    let bodyBytes = 0;
    let status = 0;
    let headers: Record<string, string> = {};
    const finish = (error: string): void => resolve({ url, status, error, ms: Math.round(performance.now() - started), headers, body, bodyBytes });
    const request = send(
      url,
      {
        method: task.method ?? 'GET',
        headers: { 'user-agent': 'lab-client', ...task.headers },
        agent: false,
        rejectUnauthorized: false,
        signal: AbortSignal.timeout(task.timeoutMs ?? 10_000),
      },
      response => {
        status = response.statusCode ?? 0;
        headers = Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)]));
        response.on('data', (chunk: Buffer) => {
          bodyBytes += chunk.length;
          if (body.length < 2000) body = (body + chunk.toString('utf8')).slice(0, 2000);
        });
        response.on('end', () => finish(''));
        response.on('error', error => finish(errorName(error)));
      },
    );
    request.on('upgrade', (response, socket) => {
      status = response.statusCode ?? 0;
      socket.on('error', () => {});
      socket.end();
      finish('');
    });
    request.on('error', error => finish(errorName(error)));
    request.end(task.body);
  });
}

function errorName(error: Error & { code?: string }): string {
  return error.name === 'AbortError' || error.name === 'TimeoutError' ? 'timeout' : (error.code ?? error.name);
}

async function sendAll(task: ClientTask): Promise<ClientResult> {
  const counts: Record<string, number> = {};
  const responses: ClientResponse[] = [];
  const open = new Set<Promise<void>>();
  let slowestMs = 0;
  let sent = 0;
  const ending = new AbortController();
  process.on('SIGTERM', () => ending.abort());
  const limit = task.count ?? (task.seconds === undefined ? 1 : Infinity);
  const gapMs = task.rps !== undefined || task.seconds !== undefined ? 1000 / (task.rps ?? 10) : 0;
  const started = performance.now();
  const endAt = task.seconds === undefined ? Infinity : started + task.seconds * 1000;
  const takeOne = async (url: string): Promise<void> => {
    const response = await sendOne(task, url);
    const key = response.error === '' ? String(response.status) : response.error;
    counts[key] = (counts[key] ?? 0) + 1;
    slowestMs = Math.max(slowestMs, response.ms);
    if (responses.length < 200) responses.push(response);
  };
  for (let due = started; sent < limit && performance.now() < endAt && !ending.signal.aborted; due += gapMs) {
    const waitMs = due - performance.now();
    if (waitMs > 0) await new Promise(resolve => setTimeout(resolve, waitMs));
    if (open.size >= (task.concurrency ?? 64)) {
      // With a rate the request is left out; without one it waits for its turn.
      if (gapMs > 0) continue;
      await Promise.race(open);
    }
    const running: Promise<void> = takeOne(task.urls[sent++ % task.urls.length] ?? '').finally(() => open.delete(running));
    open.add(running);
  }
  const rest = Promise.all(open);
  await (ending.signal.aborted ? Promise.race([rest, new Promise(resolve => setTimeout(resolve, 500))]) : rest);
  return { counts, total: sent, responses, slowestMs };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  let text = '';
  for await (const chunk of process.stdin) text += String(chunk);
  process.stdout.write(JSON.stringify(await sendAll(JSON.parse(text) as ClientTask)), () => process.exit(0));
}
