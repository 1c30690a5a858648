import { request } from 'node:http';

/**
 * Runs inside a lab host: reads a JSON list of URLs from stdin, asks each once and prints what came, in the same order: the fields as
 * they were sent, in their order, and the body in Latin-1. Plain JavaScript, so that it starts at once.
 */

/**
 * @param {string} url
 * @returns {Promise<import('./record.ts').RawAnswer>}
 */
function ask(url) {
  return new Promise(resolve => {
    /** @param {Error} error */
    const failed = error => resolve({ error: error.message });
    const asked = request(url, { agent: false, signal: AbortSignal.timeout(15_000), headers: { 'user-agent': 'badhop-lab' } }, response => {
      /** @type {Buffer[]} */
      const parts = [];
      response.on('data', part => parts.push(part));
      response.on('error', failed);
      response.on('end', () => {
        const { rawHeaders, httpVersion, statusCode = 0, statusMessage = '' } = response;
        const headers = rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [/** @type {[string, string]} */ ([name, rawHeaders[index + 1] ?? ''])] : []));
        resolve({ status: statusCode, reason: statusMessage, protocol: `http/${httpVersion}`, headers, body: Buffer.concat(parts).toString('latin1') });
      });
    });
    asked.on('error', failed);
    asked.end();
  });
}

let input = '';
for await (const part of process.stdin) input += part;
/** @type {string[]} */
const urls = JSON.parse(input);
/** @type {import('./record.ts').RawAnswer[]} */
const answers = [];
let next = 0;
await Promise.all(
  Array.from({ length: 12 }, async () => {
    while (next < urls.length) {
      const index = next++;
      answers[index] = await ask(urls[index] ?? '');
    }
  }),
);
process.stdout.write(JSON.stringify(answers));
