import type { Report } from '../model/report.ts';
import type { ReportCandidate, ReportTrace, ReportTraceHop, ReportTraceRequest, ReportTraceTls } from '../model/trace-report.ts';
import { line, styled, type Line } from './layout.ts';
import { plural } from './wording.ts';

/** Of more, the JSON has them all. */
const mostRows = 40;
/** Rows of the first screen: addresses of one URL, and URLs. */
const mostPlaces = 4;
const mostHops = 3;
const sources = { literal: 'is an address', given: 'from --resolve', 'hosts-file': 'from /etc/hosts', dns: 'from DNS' } as const;

/** A trace alone; the diagnosis of a host may hold the request of one. */
export function isTrace({ topology }: Report): boolean {
  return topology.layers !== undefined;
}

/** In a diagnosis: the request that was sent to the host, and what came of it. */
export function askedLines(report: Report): Line[] {
  const { trace } = report;
  if (trace === undefined || isTrace(report)) return [];
  const request = trace.hops[0]?.requests[0];
  const answer = request === undefined ? 'no address to ask' : `${request.result}, from ${request.address}`;
  return [line(2, [styled('strong', 'Asked: '), `${trace.method} ${trace.url}: ${answer}`], { hang: 4, maxRows: 2 })];
}

/** In numbers what failed: `6 of 12 requests failed, at 1 of 4 addresses`. Empty where no request was sent. */
export function tallyText({ trace, traffic }: Report): string {
  const requests = (trace?.hops ?? []).flatMap(hop => hop.requests);
  const places = new Set(requests.map(each => each.address));
  const bad = new Set(requests.filter(each => each.problem !== undefined).map(each => each.address));
  if (traffic.failed === 0) return '';
  const where = places.size > 1 ? `, at ${bad.size} of ${places.size} addresses` : '';
  return `${traffic.failed} of ${plural(traffic.requests, 'request')} failed${where}`;
}

/** One row for each URL and address: how often, what came, how long. Of many addresses those that fail come first. */
export function traceRows(trace: ReportTrace): Line[] {
  const hops = trace.origin === undefined ? trace.hops : [...trace.hops, trace.origin];
  // Of a long way through redirects the end is what matters.
  return hops
    .slice(-mostHops)
    .flatMap(hop => [
      ...(hops.length > 1 ? [line(2, styled('quiet', `${hop === trace.origin ? 'origin: ' : ''}${hop.url}`), { hang: 4, maxRows: 1 })] : []),
      ...placeRows(hop),
    ]);
}

function placeRows(hop: ReportTraceHop): Line[] {
  const places = [...new Set(hop.requests.map(({ address }) => address))];
  const fails = (place: string): boolean => hop.requests.some(each => each.address === place && each.problem !== undefined);
  const ordered = [...places.filter(fails), ...places.filter(place => !fails(place))];
  const rest = ordered.slice(mostPlaces);
  const bad = rest.filter(fails).length;
  const more = `and ${plural(rest.length, 'more address', 'more addresses')}, of which ${bad === 0 ? 'none fails' : `${bad} ${bad === 1 ? 'fails' : 'fail'}`}`;
  return [...ordered.slice(0, mostPlaces).map(place => placeRow(hop, place)), ...(rest.length === 0 ? [] : [line(2, styled('quiet', more))])];
}

function placeRow(hop: ReportTraceHop, place: string): Line {
  const requests = hop.requests.filter(({ address }) => address === place);
  const counts = new Map<string, number>();
  for (const { result } of requests) counts.set(result, (counts.get(result) ?? 0) + 1);
  const results = [...counts].map(([result, count]) => (requests.length === 1 ? result : `${count} × ${result}`)).join(', ');
  return line(2, [styled('strong', place), ` ${results}`, styled('quiet', ` (${phasesOf(requests)})`)], { hang: 4, maxRows: 2 });
}

/** The middle of each phase over the requests. */
function phasesOf(requests: readonly ReportTraceRequest[]): string {
  const middle = (pick: (request: ReportTraceRequest) => number | undefined): number | undefined => {
    const values = requests.flatMap(each => pick(each) ?? []).toSorted((a, b) => a - b);
    return values[Math.floor(values.length / 2)];
  };
  const phases = [
    ['connect', middle(each => each.connectMs)],
    ['TLS', middle(each => each.tlsMs)],
    ['first byte', middle(each => each.firstByteMs)],
    ['rest', middle(each => each.bodyMs)],
  ] as const;
  return phases.flatMap(([name, ms]) => (ms === undefined ? [] : [`${name} ${duration(ms)}`])).join(', ');
}

function duration(ms: number): string {
  return ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${ms >= 10 ? Math.round(ms) : ms} ms`;
}

/** Everything that was seen, URL by URL. */
export function traceSections(trace: ReportTrace): readonly { readonly heading: string; readonly lines: readonly Line[] }[] {
  const hops = trace.origin === undefined ? trace.hops : [...trace.hops, trace.origin];
  return [
    ...hops.map(hop => ({ heading: `${hop === trace.origin ? 'Origin: ' : ''}${hop.url}`, lines: hopLines(hop) })),
    { heading: 'Who answered', lines: answeredLines(trace) },
    {
      heading: 'Limits of size',
      lines: trace.sizes.map(size =>
        line(
          2,
          `${size.part} at ${size.address}: ${size.because ?? `${size.takenBytes ?? 0} bytes taken${size.refusedBytes === undefined ? '' : `, ${size.refusedBytes} bytes: ${size.refusedWith ?? 'no answer'}`}`}`,
          { hang: 4 },
        ),
      ),
    },
  ];
}

function hopLines(hop: ReportTraceHop): Line[] {
  const aliases = hop.aliases.length === 0 ? '' : `, by way of ${hop.aliases.join(' → ')}`;
  const shown = hop.requests.slice(0, mostRows).map(requestLine);
  return [
    line(
      2,
      [styled('quiet', 'name '), `${hop.name}: ${hop.addresses.join(', ') || 'no address'} (${sources[hop.namedBy]}${aliases}, ${duration(hop.lookupMs)})`],
      { hang: 4 },
    ),
    ...hop.resolvers.map(each =>
      line(
        2,
        [
          styled('quiet', 'resolver '),
          `${each.resolver} ${each.type}${each.checkingDisabled ? ' unvalidated' : ''}: ${each.result}${each.addresses.length > 0 ? ` ${each.addresses.join(', ')}` : ''} (${duration(each.ms)})`,
        ],
        { hang: 4 },
      ),
    ),
    ...shown,
    ...(hop.requests.length > mostRows ? [line(2, `and ${hop.requests.length - mostRows} more requests`)] : []),
    ...hop.tls.flatMap(tlsLines),
  ];
}

function requestLine(request: ReportTraceRequest): Line {
  const protocol = request.protocol === undefined ? '' : ` ${request.protocol}`;
  return line(
    2,
    [
      styled('quiet', `round ${request.round} `),
      `${request.address}${protocol}: ${request.result}`,
      styled('quiet', ` (${[phasesOf([request]), `all ${duration(request.totalMs)}`].filter(text => text !== '').join(', ')})`),
    ],
    {
      hang: 4,
    },
  );
}

function tlsLines(tls: ReportTraceTls): Line[] {
  const head = [
    tls.protocol ?? tls.error ?? tls.handshake,
    tls.cipher,
    tls.alpn === undefined ? undefined : `ALPN ${tls.alpn}`,
    tls.serverName === undefined ? 'no server name sent' : `server name ${tls.serverName}`,
    tls.verify === undefined ? undefined : `chain ${tls.verify}`,
    tls.nameMatches === undefined ? undefined : `name ${tls.nameMatches ? 'fits' : 'does not fit'}`,
  ];
  return [
    line(2, [styled('quiet', 'TLS '), `${tls.address}: ${head.filter(part => part !== undefined).join(', ')}`], { hang: 4 }),
    ...tls.chain.map((each, index) =>
      line(
        4,
        `${index + 1}: ${each.subject}, by ${each.issuer}, ${each.validFrom.slice(0, 10)} to ${each.validTo.slice(0, 10)}${each.signedByNext === false ? ', not signed by the next' : ''}`,
        { hang: 6 },
      ),
    ),
    ...(tls.versions === undefined
      ? []
      : [line(4, `versions: ${tls.versions.map(({ version, taken }) => `${version} ${taken ? 'taken' : 'refused'}`).join(', ')}`, { hang: 6 })]),
    ...(tls.withoutServerName === undefined ? [] : [line(4, `without a server name: ${tls.withoutServerName}`, { hang: 6 })]),
  ];
}

function answeredLines({ answered }: ReportTrace): Line[] {
  if (answered === undefined) return [];
  return [
    line(2, answered.summary, { hang: 4 }),
    ...(answered.cannotTell === undefined
      ? []
      : [line(2, `${answered.cannotTell.why} ${answered.cannotTell.how}`, { hang: 4 }), ...commandLines(answered.cannotTell.command)]),
    ...(answered.narrowedTo ?? answered.cannotTell?.candidates ?? []).flatMap(candidateLines),
    ...answered.layers.flatMap(layer => [
      line(2, [styled('strong', layer.title), ` ${layer.part === 'seen' ? 'on the way' : layer.part.replace('-', ' ')} (${layer.certainty})`]),
      ...layer.clues.map(clue => line(4, `${clue.part}: ${clue.text} (${clue.says})`, { hang: 6, maxRows: 3 })),
    ]),
    ...answered.traps.map(text => line(2, [styled('warn', 'Mind: '), text], { hang: 4 })),
    ...answered.proxyStatus.map(each =>
      line(2, `Proxy-Status of ${each.proxy}: ${each.error ?? 'no error'}${each.details === undefined ? '' : `, ${each.details}`}`, { hang: 4 }),
    ),
  ];
}

/** One who may have made the answer, and what would show that it was he. */
function candidateLines({ title, like, because, tells, command }: ReportCandidate): Line[] {
  const known = like.length === 0 ? '' : ` ${like.join(' and ')} ${like.length === 1 ? 'answers' : 'answer'} so.`;
  return [
    line(2, [styled('strong', 'Perhaps '), styled('strong', title), `: ${because}${known}`], { hang: 4 }),
    line(4, tells, { hang: 6 }),
    ...commandLines(command),
  ];
}

function commandLines(command: string | undefined): Line[] {
  return command === undefined ? [] : [line(4, `$ ${command}`, { hang: 6 })];
}
