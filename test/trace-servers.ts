import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { runTrace } from '../src/cli/compose-trace.ts';
import type { TraceOptions } from '../src/cli/commands/trace.ts';
import type { Report } from '../src/core/model/report.ts';

const open: (() => void)[] = [];

/** Ends every server of the test. */
export function endServers(): void {
  for (const end of open.splice(0)) end();
}

/** What the command line gives where nothing is said, and a timeout that a test can wait for. */
const defaults: TraceOptions = { interval: 0, timeout: 1500, count: 1, follow: true, format: 'json', color: false };

/** The report of one trace. */
export function traced(url: string, options: Partial<TraceOptions> = {}): Promise<Report> {
  return runTrace(url, { ...defaults, ...options }, '0.0.0', () => undefined);
}

export interface Listening {
  readonly port: number;
  /** Connections that were taken. */
  readonly count: () => number;
}

/** A TCP server on loopback; what the handler throws at the socket is its own affair. */
export async function listen(onConnection: (socket: Socket) => void, address = '127.0.0.1', port = 0): Promise<Listening> {
  let count = 0;
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, socket => {
    count++;
    keep(sockets, socket);
    onConnection(socket);
  });
  return started(server, sockets, address, port, () => count);
}

/** The same over TLS. */
export async function listenTls(options: TlsOptions, onConnection: (socket: Socket) => void, address = '127.0.0.1', port = 0): Promise<Listening> {
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createTlsServer(options, socket => {
    count++;
    keep(sockets, socket);
    onConnection(socket);
  });
  server.on('connection', (socket: Socket) => keep(sockets, socket));
  server.on('tlsClientError', () => undefined);
  return started(server, sockets, address, port, () => count);
}

async function started(server: Server, sockets: ReadonlySet<Socket>, address: string, port: number, count: () => number): Promise<Listening> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, resolve);
  });
  open.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, count };
}

function keep(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket);
  socket.on('error', () => undefined);
  socket.on('close', () => sockets.delete(socket));
}

/** Answers each request with these bytes, once its header is whole, and closes. */
export function answering(answer: string | Buffer | ((request: string) => string | Buffer)): (socket: Socket) => void {
  return socket => {
    let seen = '';
    socket.on('data', chunk => {
      seen += chunk.toString('latin1');
      if (!seen.includes('\r\n\r\n')) return;
      const bytes = typeof answer === 'function' ? answer(seen) : answer;
      seen = '';
      socket.end(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    });
  };
}

/** A whole HTTP answer. */
export function page(status: string, body = '', fields: readonly string[] = []): string {
  return [`HTTP/1.1 ${status}`, `Content-Length: ${Buffer.byteLength(body)}`, ...fields, '', body].join('\r\n');
}

/** nginx's own page (1.22.1). */
export function nginxPage(status: string): string {
  const body = `<html>\r\n<head><title>${status}</title></head>\r\n<body>\r\n<center><h1>${status}</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n`;
  return page(status, body, ['Server: nginx/1.22.1', 'Content-Type: text/html']);
}

export interface ZoneAnswer {
  readonly rcode?: number;
  readonly a?: readonly string[];
  readonly aaaa?: readonly Buffer[];
  readonly alias?: string;
}

/** A resolver on loopback. `undefined` from the zone: it stays silent. */
export async function resolver(zone: (name: string, type: number, checkingDisabled: boolean) => ZoneAnswer | undefined): Promise<string> {
  const socket: UdpSocket = createSocket('udp4');
  socket.on('message', (query, peer) => {
    const end = query.indexOf(0, 12);
    const question = query.subarray(12, end + 5);
    const name = readName(query.subarray(12, end + 1));
    const type = query.readUInt16BE(end + 1);
    const answer = zone(name, type, ((query[3] ?? 0) & 0x10) !== 0);
    if (answer === undefined) return;
    const target = answer.alias === undefined ? Buffer.from([0xc0, 12]) : encodeName(answer.alias);
    const records = [
      ...(answer.alias === undefined ? [] : [record(Buffer.from([0xc0, 12]), 5, encodeName(answer.alias))]),
      ...(type === 1 ? (answer.a ?? []).map(address => record(target, 1, Buffer.from(address.split('.').map(Number)))) : []),
      ...(type === 28 ? (answer.aaaa ?? []).map(address => record(target, 28, address)) : []),
    ];
    const head = Buffer.from([query[0] ?? 0, query[1] ?? 0, 0x81, 0x80 | (answer.rcode ?? 0), 0, 1, 0, records.length, 0, 0, 0, 0]);
    socket.send(Buffer.concat([head, question, ...records]), peer.port, peer.address);
  });
  await new Promise<void>(resolve => {
    socket.bind(0, '127.0.0.1', resolve);
  });
  open.push(() => socket.close());
  return `127.0.0.1:${socket.address().port}`;
}

function record(owner: Buffer, type: number, data: Buffer): Buffer {
  return Buffer.concat([owner, Buffer.from([0, type, 0, 1, 0, 0, 0, 60, data.length >> 8, data.length & 255]), data]);
}

function encodeName(name: string): Buffer {
  return Buffer.concat([...name.split('.').map(label => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])), Buffer.from([0])]);
}

function readName(bytes: Buffer): string {
  const labels: string[] = [];
  for (let at = 0; at < bytes.length && bytes[at] !== 0; at += (bytes[at] ?? 0) + 1)
    labels.push(bytes.subarray(at + 1, at + 1 + (bytes[at] ?? 0)).toString('latin1'));
  return labels.join('.').toLowerCase();
}

export interface Signed {
  readonly cert: string;
  readonly key: string;
}

/** Certificates of a test, made by openssl in a folder of their own. */
export class CertificateFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'badhop-certificates-'));

  end(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  file(name: string): string {
    return join(this.path, name);
  }

  authority(name: string, subject: string, signedBy?: string): void {
    this.make(name, subject, ['basicConstraints=critical,CA:TRUE'], -1000, 1000, signedBy);
  }

  /** Dates in days from now. */
  leaf(name: string, names: readonly string[], signedBy: string | undefined, { from = -30, to = 300, extra = [] as readonly string[] } = {}): Signed {
    const alternatives = names.map(each => (/^[\d.]+$/.test(each) ? `IP:${each}` : `DNS:${each}`)).join(',');
    this.make(name, `/CN=${names[0] ?? 'nobody'}`, [`subjectAltName=${alternatives}`, ...extra], from, to, signedBy);
    return { cert: this.read(`${name}.crt`), key: this.read(`${name}.key`) };
  }

  read(name: string): string {
    return readFileSync(this.file(name), 'utf8');
  }

  private make(name: string, subject: string, extensions: readonly string[], from: number, to: number, signedBy: string | undefined): void {
    const openssl = (...args: string[]): void => {
      execFileSync('openssl', args, { cwd: this.path, stdio: 'pipe' });
    };
    const stamp = (days: number): string => `${new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 19).replaceAll(/[-T:]/g, '')}Z`;
    const files = { index: `${name}.index`, folder: `${name}.new`, config: `${name}.cnf` };
    writeFileSync(this.file(files.index), '');
    execFileSync('mkdir', [this.file(files.folder)]);
    writeFileSync(
      this.file(files.config),
      `[ca]\ndefault_ca=d\n[d]\ndatabase=${files.index}\nnew_certs_dir=${files.folder}\nrand_serial=yes\ndefault_md=sha256\npolicy=p\nx509_extensions=e\n` +
        `unique_subject=no\n[p]\ncommonName=supplied\norganizationName=optional\n[e]\n${extensions.join('\n')}\n`,
    );
    openssl(
      'req',
      '-new',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-subj',
      subject,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
    );
    const signer = signedBy === undefined ? ['-selfsign', '-keyfile', `${name}.key`] : ['-cert', `${signedBy}.crt`, '-keyfile', `${signedBy}.key`];
    const dates = ['-startdate', stamp(from), '-enddate', stamp(to)];
    openssl('ca', '-batch', '-notext', '-config', files.config, '-in', `${name}.csr`, '-out', `${name}.crt`, ...dates, ...signer);
  }
}
