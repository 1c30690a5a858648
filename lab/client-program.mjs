import { request as httpRequest } from 'node:http';
import { createInterface } from 'node:readline';

/**
 * The lab's browser: runs inside a lab host, reads one ClientTask (`client.ts`) as JSON from stdin, sends the requests and
 * prints one ClientResult as JSON. A task always ends: after `count` requests, after `seconds`, or on SIGTERM. With `serve` it
 * reads a `{id, task}` a line and answers each with an `{id, result}`, until its input ends.
 * It is plain JavaScript because each scenario starts it, and to strip types would take longer than all else that it does.
 */

/**
 * @param {import('./client.ts').ClientTask} task
 * @param {string} url
 * @param {typeof httpRequest} send
 * @returns {Promise<import('./client.ts').ClientResponse>}
 */
function sendOne(task, url, send) {
  const started = performance.now();
  return new Promise(resolve => {
    let body = '';
    let bodyBytes = 0;
    let status = 0;
    /** @type {Record<string, string>} */
    let headers = {};
    /** @param {string} error */
    const finish = error => resolve({ url, status, error, ms: Math.round(performance.now() - started), headers, body, bodyBytes });
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
        response.on('data', chunk => {
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

/** @param {Error & { code?: string }} error */
function errorName(error) {
  return error.name === 'AbortError' || error.name === 'TimeoutError' ? 'timeout' : (error.code ?? error.name);
}

let isEnding = false;
/** @type {Promise<void>} */
const ending = new Promise(resolve => {
  process.on('SIGTERM', () => {
    isEnding = true;
    resolve();
  });
});

/**
 * @param {import('./client.ts').ClientTask} task
 * @returns {Promise<import('./client.ts').ClientResult>}
 */
async function sendAll(task) {
  const https = task.urls.some(url => url.startsWith('https:')) ? await import('node:https') : undefined;
  /** @type {Record<string, number>} */
  const counts = {};
  /** @type {import('./client.ts').ClientResponse[]} */
  const responses = [];
  /** @type {[number, number, string][]} */
  const answers = [];
  /** @type {Set<Promise<void>>} */
  const open = new Set();
  let slowestMs = 0;
  let sent = 0;
  const limit = task.count ?? (task.seconds === undefined ? 1 : Infinity);
  const gapMs = task.rps !== undefined || task.seconds !== undefined ? 1000 / (task.rps ?? 10) : 0;
  const started = performance.now();
  const endAt = task.seconds === undefined ? Infinity : started + task.seconds * 1000;
  /** @param {string} url */
  const takeOne = async url => {
    const begunMs = Date.now();
    const response = await sendOne(task, url, url.startsWith('https:') && https !== undefined ? https.request : httpRequest);
    const key = response.error === '' ? String(response.status) : response.error;
    counts[key] = (counts[key] ?? 0) + 1;
    if (answers.length < 5000) answers.push([begunMs, Date.now(), key]);
    slowestMs = Math.max(slowestMs, response.ms);
    if (responses.length < 200) responses.push(response);
  };
  for (let due = started; sent < limit && performance.now() < endAt; due += gapMs) {
    const waitMs = due - performance.now();
    if (waitMs > 0) await Promise.race([ending, new Promise(resolve => setTimeout(resolve, waitMs))]);
    if (isEnding) break;
    if (open.size >= (task.concurrency ?? 64)) {
      // With a rate the request is left out; without one it waits for its turn.
      if (gapMs > 0) continue;
      await Promise.race([ending, ...open]);
    }
    /** @type {Promise<void>} */
    const running = takeOne(task.urls[sent++ % task.urls.length] ?? '').finally(() => open.delete(running));
    open.add(running);
  }
  // What is open when the end is asked for is not waited for.
  await Promise.race([ending, Promise.all(open)]);
  return { counts, total: sent, responses, slowestMs, answers };
}

if (process.argv[2] === 'serve') {
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, task } = JSON.parse(line);
    void sendAll(task).then(result => process.stdout.write(`${JSON.stringify({ id, result })}\n`));
  }
  process.exit(0);
}
let text = '';
for await (const chunk of process.stdin) text += String(chunk);
process.stdout.write(JSON.stringify(await sendAll(JSON.parse(text))), () => process.exit(0));
