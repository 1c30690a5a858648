import { AccessFold, type FailedRequest } from '../../logs/fold-access.ts';
import { attributeAnswer, type AnswerFacts } from '../../logs/attribution.ts';
import { BucketCounter } from '../../logs/buckets.ts';
import { BusyTime } from '../../logs/busy-time.ts';
import { ClientCounter, isAddress } from '../../logs/clients.ts';
import { CountTable, type Counted } from '../../logs/intern.ts';
import type { LineSink } from '../../logs/lines.ts';
import { SizeCounter } from '../../logs/sizes.ts';
import { urlTemplate } from '../../logs/url-template.ts';
import type { AccessSample, NginxAccessLog } from '../../model/facts/logs.ts';
import { accessIndex, accessVariables, type AccessVariable, type LineFormat } from '../../model/log-line.ts';
import { accessClock, decimal } from '../../parsers/nginx-log-format-time.ts';
import { decodeUtf8 } from '../../parsers/text.ts';
import { soundsLikeSocket } from '../../model/socket-words.ts';
import { upstreamTries } from '../../parsers/upstream-lists.ts';

const futureMs = 60_000;
const maxSamples = 5;
const maxBusyPeers = 64;
const maxSampleBytes = 4096;
const maxRefused = 300;
const maxUriBytes = 2048;
const sizeVariables = [accessIndex.request_length, accessIndex.content_length, accessIndex.http_content_length];

type Building<T> = { -readonly [K in keyof T]: T[K] };

/** Coverage of one log while it is read. */
export interface AccessCoverage {
  lines: number;
  unparsed: number;
  future: number;
  readonly samples: string[];
  firstMs: number;
  lastMs: number;
}

export interface AccessTables {
  readonly total: number;
  readonly byStatus: NginxAccessLog['byStatus'];
  readonly buckets: NginxAccessLog['buckets'];
  readonly lastMs: number;
  readonly lastGoodMs: number;
}

/** Counts all requests of the window and folds the failing ones. One for all access logs. */
export class AccessCounter {
  readonly fold = new AccessFold();
  readonly refused = new AccessFold(maxRefused);
  readonly templates = new CountTable(2000, true, (bytes, start, end) => urlTemplate(text(bytes, start, end)));
  /** Requests answered with 101, by their template: no more than there are templates. */
  readonly switched = new Map<string, number>();
  readonly peers = new CountTable(500, false, (bytes, start, end) => upstreamTries(text(bytes, start, end)).at(-1) ?? '');
  readonly methods = new CountTable(50, false, text);
  readonly servers = new CountTable(500, false, text);
  // As many as there are templates.
  readonly #sounding = new Map<Counted, boolean>();
  readonly clients = new ClientCounter();
  readonly sizes = { requests: new SizeCounter<string>(), whole: new SizeCounter<string>(), cut: new SizeCounter<string>() };
  /** Time in work by peer (none where the format names none), as the backend's own or as that of the whole request. */
  readonly busy = { upstream: new Map<Counted | undefined, BusyTime>(), request: new Map<Counted | undefined, BusyTime>() } as const;
  /** The same of all requests as clients saw them. */
  readonly clientTime: BusyTime;
  readonly #all = new BucketCounter();
  readonly #failed = new BucketCounter();
  readonly #statuses = new Int32Array(1000);
  readonly #spans = new Int32Array(2 * accessVariables.length);
  readonly #timeOf = accessClock();
  readonly #sinceMs: number;
  readonly #nowMs: number;
  // Of the line that is being read.
  #status = 0;
  #method: Counted | undefined;
  #server: Counted | undefined;
  #url: Counted | undefined;
  #methodStart = -1;
  #methodEnd = -1;
  #uriStart = -1;
  #uriEnd = -1;
  #busyPeer: Counted | undefined;
  #busyTable: ReadonlyMap<Counted | undefined, BusyTime> | undefined;
  #busyTime: BusyTime | undefined;
  #total = 0;
  #lastMs = Number.NEGATIVE_INFINITY;
  #lastGoodMs = Number.NEGATIVE_INFINITY;

  constructor(sinceMs: number, nowMs: number) {
    this.#sinceMs = sinceMs;
    this.#nowMs = nowMs;
    this.clientTime = new BusyTime(sinceMs, nowMs);
  }

  /** Time of a line that one of the formats fits; NaN for any other. */
  timeOf(formats: readonly LineFormat[], bytes: Uint8Array, start: number, end: number): number {
    return this.#match(formats, bytes, start, end) === undefined ? Number.NaN : this.#timeOf(bytes, this.#spans);
  }

  /**
   * Takes the lines of one file. `logPath` names the log in groups, `path` the file in sources. A log whose format has
   * no time is given `timeMs`, as the journal knows it.
   */
  sink(logPath: string, path: string, formats: readonly LineFormat[], coverage: AccessCoverage, timeMs?: () => number): LineSink {
    return {
      line: (bytes, start, end, offset, number) => {
        if (end === start) return;
        const format = this.#match(formats, bytes, start, end);
        const lineMs = format === undefined ? Number.NaN : this.#timeOf(bytes, this.#spans);
        const ms = Number.isNaN(lineMs) && format !== undefined && timeMs !== undefined ? timeMs() : lineMs;
        if (format === undefined || Number.isNaN(ms)) {
          coverage.lines += 1;
          coverage.unparsed += 1;
          if (coverage.samples.length < maxSamples) coverage.samples.push(text(bytes, start, Math.min(end, start + 300)));
          return;
        }
        if (ms < this.#sinceMs) return;
        coverage.lines += 1;
        if (ms > this.#nowMs + futureMs) {
          coverage.future += 1;
          return;
        }
        if (ms < coverage.firstMs) coverage.firstMs = ms;
        if (ms > coverage.lastMs) coverage.lastMs = ms;
        const isFailed = this.#count(bytes, ms);
        const isRefused = !isFailed && this.#mayBeUpgrade(bytes);
        if (!isFailed && !isRefused) return;
        const source = number === undefined ? { path, offset } : { path, offset, line: number };
        const sample = { text: text(bytes, start, Math.min(end, start + maxSampleBytes)), timeMs: ms, source };
        if (isFailed) this.fold.add(this.#request(logPath, format, bytes, sample));
        else this.#foldRefused(logPath, format, bytes, sample);
      },
      tooLong: () => {
        coverage.lines += 1;
        coverage.unparsed += 1;
      },
    };
  }

  tables(): AccessTables {
    const byStatus: Record<string, number> = {};
    for (const [status, count] of this.#statuses.entries()) if (count > 0) byStatus[String(status).padStart(3, '0')] = count;
    const buckets = { all: this.#all.toBuckets(), failed: this.#failed.toBuckets() };
    return { total: this.#total, byStatus, buckets, lastMs: this.#lastMs, lastGoodMs: this.#lastGoodMs };
  }

  #match(formats: readonly LineFormat[], bytes: Uint8Array, start: number, end: number): LineFormat | undefined {
    for (const format of formats) if (format.match(bytes, start, end, this.#spans)) return format;
    return undefined;
  }

  /** Counts the matched line; true when its request failed. Makes no objects: it runs for every line. */
  #count(bytes: Uint8Array, ms: number): boolean {
    const spans = this.#spans;
    const statusAt = spans[2 * accessIndex.status] ?? -1;
    const status = statusAt === -1 ? 0 : decimal(bytes, statusAt, spans[2 * accessIndex.status + 1] ?? statusAt);
    const hasStatus = statusAt !== -1 && status >= 0 && status < 1000;
    this.#status = hasStatus ? status : 0;
    this.#total += 1;
    if (ms > this.#lastMs) this.#lastMs = ms;
    if (ms > this.#lastGoodMs && hasStatus && status >= 100 && status < 400) this.#lastGoodMs = ms;
    if (hasStatus) this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
    this.#all.add(ms);

    this.#findRequest(bytes);
    this.#method = this.#methodStart === -1 ? undefined : this.methods.find(bytes, this.#methodStart, this.#methodEnd);
    this.#server =
      this.#find(this.servers, bytes, accessIndex.host) ??
      this.#find(this.servers, bytes, accessIndex.server_name) ??
      this.#find(this.servers, bytes, accessIndex.http_host);
    const url = this.#uriStart === -1 ? undefined : this.templates.find(bytes, this.#uriStart, this.#uriEnd);
    this.#url = url;
    if (status === 101 && url !== undefined) this.switched.set(url.key, (this.switched.get(url.key) ?? 0) + 1);
    const peer = this.#find(this.peers, bytes, accessIndex.upstream_addr);
    const failed = hasStatus && (isFailing(status) || this.#hasFailedTry(bytes));
    tally(this.#method, failed);
    tally(this.#server, failed);
    tally(url, failed);
    tally(peer, failed);
    if (failed) this.#failed.add(ms);
    this.#addTime(bytes, ms, peer);
    const client = spans[2 * accessIndex.remote_addr] ?? -1;
    if (client !== -1) this.clients.add(bytes, client, spans[2 * accessIndex.remote_addr + 1] ?? client);
    if (url !== undefined) this.#measure(bytes, url.key, status);
    return failed;
  }

  /** The time that the last try took; where the format has none of it, that of the request, which is no shorter. */
  #addTime(bytes: Uint8Array, ms: number, peer: Counted | undefined): void {
    const whole = this.#number(bytes, accessIndex.request_time) * 1000;
    this.clientTime.add(ms, whole);
    const start = this.#spans[2 * accessIndex.upstream_response_time] ?? -1;
    // Without a peer where the format has one, nothing was passed on.
    if (peer === undefined && (start !== -1 || this.#spans[2 * accessIndex.upstream_addr] !== -1)) return;
    const end = this.#spans[2 * accessIndex.upstream_response_time + 1] ?? -1;
    let last = start;
    for (let at = start; at < end; at += 1) if (bytes[at] === 0x20) last = at + 1;
    const took = start === -1 ? whole : decimal(bytes, last, end) * 1000;
    if (Number.isNaN(took)) return;
    const table = start === -1 ? this.busy.request : this.busy.upstream;
    if (peer !== this.#busyPeer || table !== this.#busyTable || this.#busyTime === undefined) {
      const known = table.get(peer);
      if (known === undefined && table.size >= maxBusyPeers) return;
      this.#busyPeer = peer;
      this.#busyTable = table;
      this.#busyTime = known ?? new BusyTime(this.#sinceMs, this.#nowMs);
      if (known === undefined) table.set(peer, this.#busyTime);
    }
    this.#busyTime.add(ms, took);
  }

  /** Sizes of the request and of its answer, where the format has them. */
  #measure(bytes: Uint8Array, key: string, status: number): void {
    const size = this.#requestSize(bytes);
    if (size >= 0) this.sizes.requests.add(key, size);
    const completion = this.#spans[2 * accessIndex.request_completion] ?? -1;
    if (completion === -1 || status < 200 || status >= 300) return;
    const sent = this.#number(bytes, this.#spans[2 * accessIndex.body_bytes_sent] === -1 ? accessIndex.bytes_sent : accessIndex.body_bytes_sent);
    // `OK`, or nothing.
    const isWhole = (this.#spans[2 * accessIndex.request_completion + 1] ?? completion) - completion === 2;
    if (sent >= 0) this.sizes[isWhole ? 'whole' : 'cut'].add(key, sent);
  }

  /** -1 where it is not known. */
  #requestSize(bytes: Uint8Array): number {
    for (const index of sizeVariables) {
      if (this.#spans[2 * index] === -1) continue;
      const size = this.#number(bytes, index);
      if (size >= 0) return size;
    }
    return -1;
  }

  /** A GET whose answer is the one that servers give where an upgrade reaches them as a plain request. Runs for every line that did not fail. */
  #mayBeUpgrade(bytes: Uint8Array): boolean {
    const asked = this.#spans[2 * accessIndex.http_upgrade] ?? -1;
    const status = this.#status;
    if (asked === -1 && status !== 400 && status !== 404 && status !== 426) return false;
    if (status === 101 || this.#method?.key !== 'GET' || this.#url === undefined) return false;
    if (asked !== -1 && this.#asksForSocket(bytes)) return true;
    return status === 400 || status === 426 || (status === 404 && this.#sounds(this.#url));
  }

  #sounds(url: Counted): boolean {
    const known = this.#sounding.get(url);
    if (known !== undefined) return known;
    const sounds = soundsLikeSocket(url.key);
    this.#sounding.set(url, sounds);
    return sounds;
  }

  #asksForSocket(bytes: Uint8Array): boolean {
    const start = this.#spans[2 * accessIndex.http_upgrade] ?? -1;
    const end = this.#spans[2 * accessIndex.http_upgrade + 1] ?? -1;
    return start !== -1 && end - start === 9 && text(bytes, start, end).toLowerCase() === 'websocket';
  }

  #foldRefused(logPath: string, format: LineFormat, bytes: Uint8Array, sample: AccessSample): void {
    const request = this.#request(logPath, format, bytes, sample);
    // What nginx answers itself, for clients that send nonsense, no backend refused.
    const isPassedOn = request.upstreamStatuses?.at(-1) === String(request.status);
    if (!isPassedOn && request.madeBy !== 'unknown') return;
    const uri = this.#uriEnd - this.#uriStart > maxUriBytes ? undefined : text(bytes, this.#uriStart, this.#uriEnd);
    if (uri === undefined || !uri.startsWith('/')) return;
    this.refused.add({
      ...request,
      ...(isPassedOn ? { madeBy: 'backend' } : {}),
      sample: { ...sample, uri },
      ...(this.#asksForSocket(bytes) ? { upgrade: true } : {}),
    });
  }

  #request(logPath: string, format: LineFormat, bytes: Uint8Array, sample: AccessSample): FailedRequest {
    const status = this.#status;
    const uri = this.#uriStart === -1 ? undefined : text(bytes, this.#uriStart, Math.min(this.#uriEnd, this.#uriStart + 4096));
    const list = (name: AccessVariable): readonly string[] | undefined => {
      const start = this.#spans[2 * accessIndex[name]] ?? -1;
      if (!format.has(name) || start === -1) return undefined;
      const value = text(bytes, start, this.#spans[2 * accessIndex[name] + 1] ?? start);
      // A missing value is `-`, or nothing where values are not escaped as text; an address may also be empty.
      return value === '' && (format.escape !== 'default' || name !== 'upstream_addr') ? [] : upstreamTries(value);
    };
    const from = this.#spans[2 * accessIndex.remote_addr] ?? -1;
    const client = from === -1 ? undefined : text(bytes, from, this.#spans[2 * accessIndex.remote_addr + 1] ?? from);
    const size = this.#requestSize(bytes);
    const addresses = list('upstream_addr');
    const statuses = list('upstream_status');
    const connectTimes = list('upstream_connect_time');
    const headerTimes = list('upstream_header_time');
    const responseTimes = list('upstream_response_time');
    const bytesReceived = list('upstream_bytes_received');
    // One object, and no others on the way to it: in an outage this runs for every line.
    const facts: Building<AnswerFacts> = { status };
    if (addresses !== undefined) facts.addresses = addresses;
    if (statuses !== undefined) facts.statuses = statuses;
    if (connectTimes !== undefined) facts.connectTimes = connectTimes;
    if (headerTimes !== undefined) facts.headerTimes = headerTimes;
    if (bytesReceived !== undefined) facts.bytesReceived = bytesReceived;
    const { madeBy, because } = attributeAnswer(facts);
    const peer = addresses?.at(-1);
    const hidden = status > 0 && status < 499 ? (addresses ?? []).filter((_, index) => Number(statuses?.[index]) >= 500) : [];
    const request: Building<FailedRequest> = {
      madeBy,
      sample,
      path: logPath,
      status,
      tries: Math.max(statuses?.length ?? 0, addresses?.length ?? 0),
      requestTime: this.#number(bytes, accessIndex.request_time),
      upstreamTime: Number.parseFloat(responseTimes?.at(-1) ?? ''),
    };
    if (because !== undefined) request.because = because;
    if (this.#method !== undefined) request.method = this.#method.key;
    if (uri !== undefined) request.urlTemplate = urlTemplate(uri);
    if (this.#server !== undefined) request.host = this.#server.key;
    if (peer !== undefined && peer !== '' && peer !== '-') request.peer = peer;
    if (statuses !== undefined) request.upstreamStatuses = statuses;
    if (hidden.length > 0) request.hiddenPeers = [...new Set(hidden)];
    if (client !== undefined && isAddress(client)) request.client = client;
    if (size >= 0) request.size = size;
    return request;
  }

  #number(bytes: Uint8Array, index: number): number {
    return decimal(bytes, this.#spans[2 * index] ?? -1, this.#spans[2 * index + 1] ?? -1);
  }

  #find(table: CountTable, bytes: Uint8Array, index: number): Counted | undefined {
    const start = this.#spans[2 * index] ?? -1;
    const end = this.#spans[2 * index + 1] ?? -1;
    if (start === -1 || end === start || (end === start + 1 && bytes[start] === 0x2d)) return undefined;
    return table.find(bytes, start, end);
  }

  /** A failure that the answer hides: a retry saved the request, or error_page put another answer in its place. */
  #hasFailedTry(bytes: Uint8Array): boolean {
    const start = this.#spans[2 * accessIndex.upstream_status] ?? -1;
    const end = this.#spans[2 * accessIndex.upstream_status + 1] ?? -1;
    if (start === -1 || end - start < 3) return false;
    if (end - start === 3) return bytes[start] === 0x35;
    return upstreamTries(text(bytes, start, end)).some(one => Number(one) >= 500);
  }

  /** Places of method and URI, from `$request` or from their own variables. */
  #findRequest(bytes: Uint8Array): void {
    const spans = this.#spans;
    const uri = spans[2 * accessIndex.request_uri] === -1 ? accessIndex.uri : accessIndex.request_uri;
    this.#methodStart = spans[2 * accessIndex.request_method] ?? -1;
    this.#methodEnd = spans[2 * accessIndex.request_method + 1] ?? -1;
    this.#uriStart = spans[2 * uri] ?? -1;
    this.#uriEnd = spans[2 * uri + 1] ?? -1;
    const start = spans[2 * accessIndex.request] ?? -1;
    const end = spans[2 * accessIndex.request + 1] ?? -1;
    if (start === -1) return;
    let blank = start;
    while (blank < end && bytes[blank] !== 0x20 && blank - start < 33) blank += 1;
    if (blank === start || blank >= end || bytes[blank] !== 0x20) return;
    if (this.#methodStart === -1) {
      this.#methodStart = start;
      this.#methodEnd = blank;
    }
    if (this.#uriStart !== -1) return;
    this.#uriStart = blank + 1;
    blank += 1;
    while (blank < end && bytes[blank] !== 0x20) blank += 1;
    this.#uriEnd = blank;
  }
}

function tally(counted: Counted | undefined, failed: boolean): void {
  if (counted === undefined) return;
  counted.total += 1;
  if (failed) counted.failed += 1;
}

export function newAccessCoverage(): AccessCoverage {
  return { lines: 0, unparsed: 0, future: 0, samples: [], firstMs: Number.POSITIVE_INFINITY, lastMs: Number.NEGATIVE_INFINITY };
}

/** Server errors, the client that left or sent too much, and `009`, which stands for an answer without a header. */
function isFailing(status: number): boolean {
  return status >= 499 || status === 413 || status < 100;
}

function text(bytes: Uint8Array, start: number, end: number): string {
  return decodeUtf8(bytes.subarray(start, end));
}
