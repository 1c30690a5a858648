/** Writes the logs that `bench/logs.ts` measures: the same bytes for the same size, with outages planted in them. */
import { closeSync, openSync, writeSync } from 'node:fs';

export const accessFormat =
  '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time "$upstream_addr" "$upstream_status" "$upstream_connect_time" "$upstream_header_time" "$upstream_response_time"';

const startMs = Date.UTC(2026, 10, 20);
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const peers = Array.from({ length: 12 }, (_, index) => `10.0.0.${11 + index}:8080`);
const agents = [
  'Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1',
  'okhttp/4.12.0',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0',
];
const templates = ['/', '/cart', '/item/#', '/api/v1/orders/#', '/search?q=#', '/static/app.#.js', '/user/#/settings', '/checkout'];
const pieceBytes = 4 << 20;

/** An access log of about so many bytes over one day, most of it good; returns its exact size. */
export function writeAccessLog(path: string, bytes: number): number {
  const random = generator(502);
  const lines = Math.floor(bytes / 232);
  return write(path, lines, index => {
    const atMs = startMs + Math.floor((index / lines) * 86_400_000);
    const roll = random();
    const peer = peers[Math.floor(random() * peers.length)] ?? '';
    const url = (templates[Math.floor(random() * templates.length)] ?? '').replace('#', String(Math.floor(random() * 1e6)));
    const method = roll > 0.9 ? 'POST' : 'GET';
    const head = `203.0.${Math.floor(random() * 256)}.${Math.floor(random() * 256)} - - [${timeLocal(atMs)}] "${method} ${url} HTTP/1.1"`;
    const agent = agents[Math.floor(random() * agents.length)] ?? '';
    const took = (random() * random() * 0.9).toFixed(3);
    // One peer refuses for 40 s of every hour; one request in a thousand fails for another reason.
    if (peer === peers[3] && atMs % 3_600_000 < 40_000) return `${head} 502 157 "-" "${agent}" 0.001 "${peer}" "502" "-" "-" "0.001"\n`;
    if (roll < 0.0005) return `${head} 504 167 "-" "${agent}" 60.001 "${peer}" "504" "0.000" "-" "60.001"\n`;
    if (roll < 0.001) return `${head} 500 170 "-" "${agent}" ${took} "${peer}" "500" "0.000" "${took}" "${took}"\n`;
    if (roll < 0.002) return `${head} 200 5120 "-" "${agent}" ${took} "${peers[5]}, ${peer}" "502, 200" "-, 0.000" "-, ${took}" "0.000, ${took}"\n`;
    const status = roll < 0.02 ? 404 : roll < 0.05 ? 304 : 200;
    return `${head} ${status} ${Math.floor(random() * 50_000)} "https://shop.example/" "${agent}" ${took} "${peer}" "${status}" "0.000" "${took}" "${took}"\n`;
  });
}

/** An nginx error log of about so many bytes over one day. */
export function writeErrorLog(path: string, bytes: number): number {
  const random = generator(111);
  const lines = Math.floor(bytes / 329);
  return write(path, lines, index => {
    const atMs = startMs + Math.floor((index / lines) * 86_400_000);
    const peer = peers[Math.floor(random() * peers.length)] ?? '';
    const id = Math.floor(random() * 1e6);
    const what = random();
    const tail = `client: 203.0.113.${Math.floor(random() * 250)}, server: shop.example, request: "GET /item/${id} HTTP/1.1", upstream: "http://${peer}/item/${id}", host: "shop.example", referrer: "https://shop.example/search?q=${id}"`;
    const head = `${timeError(atMs)} [error] 1234#1234: *${index}`;
    if (what < 0.4) return `${head} connect() failed (111: Connection refused) while connecting to upstream, ${tail}\n`;
    if (what < 0.7) return `${head} upstream timed out (110: Connection timed out) while reading response header from upstream, ${tail}\n`;
    if (what < 0.9) return `${head} upstream prematurely closed connection while reading response header from upstream, ${tail}\n`;
    return `${head} recv() failed (104: Connection reset by peer) while reading response header from upstream, ${tail}\n`;
  });
}

function write(path: string, lines: number, line: (index: number) => string): number {
  const file = openSync(path, 'w');
  const buffer = Buffer.allocUnsafe(pieceBytes + 65_536);
  let filled = 0;
  let size = 0;
  try {
    for (let index = 0; index < lines; index += 1) {
      filled += buffer.write(line(index), filled, 'latin1');
      if (filled < pieceBytes && index < lines - 1) continue;
      size += writeSync(file, buffer, 0, filled);
      filled = 0;
    }
  } finally {
    closeSync(file);
  }
  return size;
}

let lastSecond = -1;
let lastText = '';

function timeLocal(atMs: number): string {
  const second = Math.floor(atMs / 1000);
  if (second !== lastSecond) {
    const at = new Date(second * 1000);
    lastSecond = second;
    lastText = `${two(at.getUTCDate())}/${months[at.getUTCMonth()]}/${at.getUTCFullYear()}:${clock(at)} +0000`;
  }
  return lastText;
}

function timeError(atMs: number): string {
  const at = new Date(atMs);
  return `${at.getUTCFullYear()}/${two(at.getUTCMonth() + 1)}/${two(at.getUTCDate())} ${clock(at)}`;
}

function clock(at: Date): string {
  return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

/** Mulberry32 (Tommy Ettinger, public domain): small, fast, the same on every machine. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
