/**
 * How fast a log's window is read: a 200 MB access log that lies in the window, of which the newest 64 MiB are read,
 * against `grep -c " 502 "` over all of it; and the last fifteen minutes of a 20 GB one (sparse start, real end),
 * which must not take longer for being large. The processor's own time is given too: it does not depend on other load.
 *
 *     node bench/diagnose-log.ts
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import accessLog from '../src/core/collectors/nginx-access-log.ts';
import errorLog from '../src/core/collectors/nginx-error-log.ts';
import type { CollectContext, Collection, Request } from '../src/core/model/collector.ts';
import { absent, known, type Known } from '../src/core/model/fact.ts';
import type { NginxLayout } from '../src/core/model/facts/topology.ts';
import type { Host } from '../src/core/model/host.ts';
import { createLocalHost } from '../src/node/hosts/local.ts';

const mebibyte = 1 << 20;
const nowMs = Math.floor(Date.now() / 1000) * 1000;
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const format =
  '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time "$upstream_addr" "$upstream_status" "$upstream_connect_time" "$upstream_header_time"';

function accessLines(fromMs: number, toMs: number, bytes: number): string {
  const lines: string[] = [];
  let length = 0;
  for (let index = 0; length < bytes; index += 1) {
    const at = new Date(fromMs + ((toMs - fromMs) * length) / bytes);
    const two = (value: number): string => String(value).padStart(2, '0');
    const time = `${two(at.getUTCDate())}/${months[at.getUTCMonth()]}/${at.getUTCFullYear()}:${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} +0000`;
    const fails = index % 97 === 0;
    const tail = fails
      ? '502 157 "-" "Mozilla/5.0 (X11; Linux x86_64)" 0.001 "127.0.0.1:8080" "502" "-" "-"'
      : '200 5120 "https://shop.example/" "Mozilla/5.0 (X11; Linux x86_64)" 0.034 "127.0.0.1:8080" "200" "0.000" "0.033"';
    const line = `203.0.113.${index % 250} - - [${time}] "GET /shop/item/${index}?page=${index % 9} HTTP/1.1" ${tail}\n`;
    lines.push(line);
    length += line.length;
  }
  return lines.join('');
}

function layoutOf(path: string): NginxLayout {
  const origin = { kind: 'file', path: '/etc/nginx/nginx.conf', line: 1 } as const;
  return {
    servers: [
      {
        id: 's',
        instanceId: 'nginx',
        names: [],
        listens: [],
        origin: { path: origin.path, line: 1 },
        accessLogs: [{ path, format: 'timed', origin }],
        errorLogs: [{ path: `${path}.error`, level: 'error', origin }],
      },
    ],
    routes: [],
    groups: [],
    logFormats: [{ instanceId: 'nginx', name: 'timed', format, escape: 'default', origin }],
    mainErrorLogs: [],
    fixedAnswers: [],
    hostNames: [],
  };
}

async function run<T>(collection: Collection<T>, host: Host): Promise<{ fact: Known<T>; ms: number; requests: number }> {
  const from = performance.now();
  let requests = 0;
  let step = collection.next();
  while (step.done !== true) {
    requests += step.value.length;
    step = collection.next(await Promise.all(step.value.map(request => answer(host, request))));
  }
  return { fact: step.value, ms: performance.now() - from, requests };
}

function answer(host: Host, request: Request): Promise<Known<unknown>> {
  if (request.kind === 'read') return host.read(request.path, request.options);
  if (request.kind === 'stat') return host.stat(request.path);
  if (request.kind === 'list') return host.list(request.path);
  return Promise.resolve(absent('not part of this measurement'));
}

async function measure(host: Host, path: string, windowMs: number): Promise<number> {
  const context: CollectContext = { sinceMs: nowMs - windowMs, nowMs, clock: { nowMs, zone: 'UTC', offsetMinutes: 0 }, probing: false };
  const facts = { 'nginx-layout': known(layoutOf(path)), 'nginx-instances': absent('none'), 'host-identity': absent('none') } as const;
  const cpu = process.cpuUsage();
  const { fact, ms, requests } = await run(accessLog.collect(facts, context), host);
  const used = process.cpuUsage(cpu);
  const cpuMs = (used.user + used.system) / 1000;
  const errors = await run(errorLog.collect(facts, context), host);
  if (fact.state !== 'known') throw new Error(fact.why);
  const { total, byStatus, coverage } = fact.value;
  const read = coverage[0]?.bytesRead ?? 0;
  process.stdout.write(
    `  ${ms.toFixed(0)} ms for ${(read / mebibyte).toFixed(0)} MiB (${(read / 1e6 / ms).toFixed(2)} GB/s; ${cpuMs.toFixed(0)} ms of processor time), ${requests} requests, ${total} lines, 502: ${byStatus['502'] ?? 0}; error log ${errors.ms.toFixed(0)} ms\n`,
  );
  return ms;
}

const folder = mkdtempSync(join(tmpdir(), 'badhop-bench-'));
try {
  const host = createLocalHost();
  const flat = join(folder, 'access-200mb.log');
  writeFileSync(flat, '');
  const piece = 20;
  for (let index = 0; index < 10; index += 1) {
    const width = 900_000 / 10;
    appendFileSync(flat, accessLines(nowMs - 900_000 + index * width, nowMs - 900_000 + (index + 1) * width, piece * 1e6));
  }
  const tail = accessLines(nowMs - 1_800_000, nowMs, 20e6);
  const small = join(folder, 'access-tail.log');
  writeFileSync(small, tail);
  const sparse = join(folder, 'access-20gb.log');
  writeFileSync(sparse, '');
  truncateSync(sparse, 20e9);
  appendFileSync(sparse, `\n${tail}`);

  process.stdout.write('200 MB, all of it in the window (the newest 64 MiB are read):\n');
  await measure(host, flat, 900_000);
  const whole = await measure(host, flat, 900_000);
  const grep = timeGrep(flat);
  process.stdout.write(
    `  grep -c " 502 " over the 200 MB: ${grep.toFixed(0)} ms; badhop takes ${(whole / grep).toFixed(2)} times as long for the newest 64 MiB, read field by field\n`,
  );
  process.stdout.write('20 MB, the last 15 minutes of 30:\n');
  const plain = await measure(host, small, 900_000);
  process.stdout.write('20 GB with the same end:\n');
  const large = await measure(host, sparse, 900_000);
  process.stdout.write(`  the 20 GB log takes ${(large / plain).toFixed(2)} times the 20 MB one\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function timeGrep(path: string): number {
  const from = performance.now();
  execFileSync('grep', ['-c', ' 502 ', path]);
  return performance.now() - from;
}
