import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import type { Evidence } from '../core/model/finding.ts';
import type { Report } from '../core/model/report.ts';
import { joinDiagnosis } from '../core/trace/join-diagnosis.ts';
import { redactText } from '../node/redact/redact.ts';
import { firstThatConnects } from '../node/trace/first-that-connects.ts';
import { lookUp } from '../node/trace/look-up.ts';
import { parseTarget } from '../node/trace/parse-target.ts';
import { runTrace } from './compose-trace.ts';
import type { TraceOptions } from './commands/trace.ts';

/** Of a log no more is read to find one line of the last seconds. */
const tailBytes = 1024 * 1024;
const mostLogs = 40;
const mostLines = 4;

const once: TraceOptions = { count: 1, interval: 0, timeout: 10_000, follow: false, insecure: true, format: 'json', color: false };

/** Sends one request to this host's own server, then diagnoses, and finds the line that the request made. */
export async function diagnoseUrl(url: string, version: string, diagnose: () => Promise<Report>, onProgress: (stage: string) => void): Promise<Report> {
  const { target } = parseTarget(url);
  onProgress(`asking ${target.host}`);
  const mark = `badhop-${randomBytes(8).toString('hex')}`;
  const address = await ownAddress(target.host, target.port);
  const resolve = address === undefined ? {} : { resolve: [`${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}:${address}`] };
  // The referrer stands in nginx's error log, and both in the usual formats of an access log. It is of the site itself, as valid_referers wants it.
  const referrer = `${target.scheme.replace(/^ws/, 'http')}://${target.authority}/?${mark}`;
  const trace = await runTrace(url, { ...once, ...resolve, header: [`Referer: ${referrer}`, `User-Agent: badhop/${version} (+${mark})`] }, version, onProgress);
  const diagnosis = await diagnose();
  return joinDiagnosis(diagnosis, { trace, lines: await findLines(logsOf(diagnosis), mark) });
}

/** An address of this machine: one that the name has, or one that takes connections on the port. Undefined where none does. */
async function ownAddress(host: string, port: number): Promise<string | undefined> {
  const own = Object.values(networkInterfaces()).flatMap(list => (list ?? []).map(each => each.address));
  const { addresses } = await lookUp(host, port, { resolve: new Map(), resolvers: undefined, family: 'any' });
  const named = addresses.filter(address => own.includes(address));
  return firstThatConnects([...named, '127.0.0.1', '::1', ...own.filter(address => !address.startsWith('fe80'))], port);
}

function logsOf({ topology }: Report): readonly string[] {
  const logs = topology.servers.flatMap(server => [...server.errorLogs, ...(server.locationErrorLogs ?? []), ...server.accessLogs]);
  return [...new Set(logs.map(({ path }) => path))].filter(path => path.startsWith('/')).slice(0, mostLogs);
}

async function findLines(paths: readonly string[], mark: string): Promise<readonly Evidence[]> {
  const found = await Promise.all(paths.map(path => linesOf(path, mark)));
  return found.flat().slice(0, mostLines);
}

/** The lines with the mark at the end of a log; none where it cannot be read or is no file. */
async function linesOf(path: string, mark: string): Promise<readonly Evidence[]> {
  try {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      const from = Math.max(0, size - tailBytes);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(size, tailBytes)), 0, Math.min(size, tailBytes), from);
      const lines = buffer.subarray(0, bytesRead).toString('utf8').split('\n');
      return lines.filter(line => line.includes(mark)).map(line => ({ source: `file:${path}`, text: redactText(line).slice(0, 2000) }));
    } finally {
      await file.close();
    }
  } catch {
    return [];
  }
}
