import { readFileSync, statSync } from 'node:fs';
import { hostname, release, type, userInfo } from 'node:os';
import { createSecureContext } from 'node:tls';
import { identify } from '../core/fingerprints/identify.ts';
import { meaningOf } from '../core/fingerprints/meaning.ts';
import { BadhopError } from '../core/model/error.ts';
import type { Report } from '../core/model/report.ts';
import { renderJson } from '../core/reporters/json.ts';
import { renderTerminal } from '../core/reporters/terminal.ts';
import { buildTraceReport } from '../core/trace/build-report.ts';
import { redactDeep } from '../node/redact/redact.ts';
import { hideOwnSecrets } from '../node/trace/own-secrets.ts';
import { parseAddressPort, parseOrigin, parseResolve, parseTarget } from '../node/trace/parse-target.ts';
import { trace } from '../node/trace/trace.ts';
import type { TlsFiles, TraceRequest } from '../node/trace/trace-request.ts';
import type { TraceOptions } from './commands/trace.ts';
import { chooseLook } from './output.ts';

const maxFileBytes = 64 * 1024 * 1024;
const fieldName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}$/;
/** A method that changes nothing may be sent more than once without being asked for it. */
const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
const grpcMessage = new Uint8Array(5);

/** Traces one URL from this machine; the report is redacted. Throws a BadhopError for wrong use. */
export async function runTrace(url: string, options: TraceOptions, version: string, onProgress: (stage: string) => void): Promise<Report> {
  const request = readRequest(url, options, version, onProgress);
  const observation = await trace(request);
  const report = buildTraceReport({
    observation,
    fingerprints: { identify, meaning: meaningOf },
    version,
    machine: { hostname: hostname(), os: type(), kernel: release(), user: userName() },
    grpc: request.grpc,
  });
  return redactDeep(hideOwnSecrets(report, request));
}

export function renderTrace(report: Report, { format, verbose = false, color, width }: TraceOptions): string {
  if (format === 'json') return renderJson(report);
  return renderTerminal(report, { ...chooseLook(process.stdout, process.env, { color, width }), verbose });
}

function readRequest(url: string, options: TraceOptions, version: string, onProgress: (stage: string) => void): TraceRequest {
  const { target, credentials } = parseTarget(url);
  const isSocket = target.scheme === 'ws' || target.scheme === 'wss';
  refuseContradictions(options, isSocket);
  const grpc = options.grpc === true;
  const body = grpc ? grpcMessage : options.data === undefined ? undefined : readData(options.data);
  const method = grpc ? 'POST' : readMethod(options.request ?? (body === undefined ? 'GET' : 'POST'));
  if (isSocket && (method !== 'GET' || body !== undefined))
    throw new BadhopError('usage', 'a WebSocket is opened with a GET without a body', { hint: 'Leave out -X and --data.' });
  const headers = [
    ...(credentials === undefined ? [] : [['Authorization', `Basic ${Buffer.from(credentials).toString('base64')}`] as const]),
    ...(options.header ?? []).map(readField),
  ];
  const count = options.count ?? (safeMethods.has(method) ? 3 : 1);
  return {
    target,
    question: {
      url: target.url,
      method,
      count,
      insecure: options.insecure === true,
      timeoutMs: options.timeout,
      headerNames: headers.map(([name]) => name),
      ...(options.origin === undefined ? {} : { origin: options.origin }),
    },
    method,
    headers,
    body,
    resolve: new Map((options.resolve ?? []).map(text => parseResolve(text)).map(({ key, addresses }) => [key, addresses])),
    resolvers: options.resolver?.map(text => parseAddressPort(text, 53, '--resolver')),
    count,
    intervalMs: options.interval,
    timeoutMs: options.timeout,
    origin: options.origin === undefined ? undefined : parseOrigin(options.origin),
    http: options['http1.1'] === true || isSocket ? '1.1' : options.http2 === true ? '2' : 'auto',
    insecure: options.insecure === true,
    family: options.ipv4 === true ? 4 : options.ipv6 === true ? 6 : 'any',
    follow: options.follow,
    serverName: options.sni === false ? 'none' : options.sni,
    grpc,
    tls: readTlsFiles(options),
    sizeProbes: [...(options.headerSizeProbe === true ? (['header'] as const) : []), ...(options.bodySizeProbe === true ? (['body'] as const) : [])],
    userAgent: `badhop/${version} (+trace)`,
    onProgress,
  };
}

function refuseContradictions(options: TraceOptions, isSocket: boolean): void {
  const refuse = (message: string): never => {
    throw new BadhopError('usage', message, { hint: 'See `badhop trace --help`.' });
  };
  if (options['http1.1'] === true && (options.http2 === true || options.grpc === true)) refuse('--http1.1 goes with neither --http2 nor --grpc');
  if (isSocket && (options.http2 === true || options.grpc === true)) refuse('a WebSocket is opened in HTTP/1.1');
  if (options.grpc === true && (options.request !== undefined || options.data !== undefined)) refuse('--grpc sends its own method and body');
  if (options.ipv4 === true && options.ipv6 === true) refuse('-4 and -6 leave no address');
  if ((options.cert === undefined) !== (options.key === undefined)) refuse('--cert and --key go together');
}

function readMethod(text: string): string {
  if (/^[A-Za-z]{1,20}$/.test(text) && text.toUpperCase() !== 'CONNECT') return text.toUpperCase();
  throw new BadhopError('usage', `-X ${text.slice(0, 40)}: this is no method that a request to a URL has`, { hint: 'Such as GET, HEAD, POST, PUT, DELETE.' });
}

function readField(text: string): readonly [string, string] {
  const colon = text.indexOf(':');
  const [name, value] = [text.slice(0, Math.max(0, colon)).trim(), text.slice(colon + 1).trim()];
  // The value may be a secret, so the message leaves it out.
  if (!fieldName.test(name))
    throw new BadhopError('usage', '-H: a field is `Name: value`, and its name has letters, digits and hyphens', { hint: "Such as -H 'Accept: text/html'." });
  if (/[\0\r\n]/.test(value)) throw new BadhopError('usage', `-H ${name}: the value holds a line break or NUL, which would end the field`);
  return [name, value];
}

function readData(text: string): Uint8Array {
  return text.startsWith('@') ? readFile(text.slice(1), '--data') : Buffer.from(text, 'utf8');
}

function readTlsFiles({ cacert, cert, key }: TraceOptions): TlsFiles {
  const files: TlsFiles = {
    ...(cacert === undefined ? {} : { ca: readPem(cacert, '--cacert') }),
    ...(cert === undefined ? {} : { certificate: readPem(cert, '--cert') }),
    ...(key === undefined ? {} : { key: readPem(key, '--key') }),
  };
  try {
    createSecureContext({
      ca: files.ca ?? [],
      ...(files.certificate === undefined ? {} : { cert: files.certificate }),
      ...(files.key === undefined ? {} : { key: files.key }),
    });
  } catch (error) {
    throw new BadhopError(
      'usage',
      `OpenSSL does not take the files of --cacert, --cert and --key: ${error instanceof Error ? error.message : 'no reason given'}`,
      {
        cause: error,
        hint: 'The key must be that of the certificate, in PEM and without a password.',
      },
    );
  }
  return files;
}

function readPem(path: string, option: string): Buffer {
  const bytes = readFile(path, option);
  if (!bytes.includes('-----BEGIN '))
    throw new BadhopError('usage', `${option} ${path}: this is no PEM file`, { hint: 'It has a line that starts with -----BEGIN.' });
  return bytes;
}

function readFile(path: string, option: string): Buffer {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw new Error('it is no file');
    if (stat.size > maxFileBytes) throw new Error('it is larger than 64 MiB');
    return readFileSync(path);
  } catch (error) {
    throw new BadhopError('usage', `${option} ${path}: ${error instanceof Error ? error.message : 'it cannot be read'}`, {
      cause: error,
      hint: 'Name a file that you may read.',
    });
  }
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? '');
  }
}
