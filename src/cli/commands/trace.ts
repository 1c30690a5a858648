import { InvalidArgumentError, Option, type Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { gather } from '../gather.ts';
import { writeOut } from '../output.ts';
import { createProgress } from '../progress.ts';
import { verdictCodes } from '../verdict-codes.ts';
import { parseWidth } from '../width.ts';

/** The command line of `badhop trace`, as it is written. */
export interface TraceOptions {
  readonly request?: string;
  readonly header?: readonly string[];
  readonly data?: string;
  readonly resolve?: readonly string[];
  readonly resolver?: readonly string[];
  readonly count?: number;
  readonly interval: number;
  readonly timeout: number;
  readonly origin?: string;
  readonly 'http1.1'?: boolean;
  readonly http2?: boolean;
  readonly grpc?: boolean;
  readonly insecure?: boolean;
  readonly ipv4?: boolean;
  readonly ipv6?: boolean;
  readonly follow: boolean;
  readonly sni?: string | false;
  readonly cacert?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly headerSizeProbe?: boolean;
  readonly bodySizeProbe?: boolean;
  readonly format: 'terminal' | 'json';
  readonly verbose?: boolean;
  readonly color: boolean;
  readonly width?: number;
}

const examples = `
Examples:
  badhop trace https://shop.example/cart                         who answers, at each address, three times
  badhop trace https://shop.example/cart --origin 192.0.2.7      the same past the edge, and the two compared
  badhop trace -X POST --data @order.json -H 'Content-Type: application/json' https://shop.example/api/orders
  badhop trace --resolve shop.example:443:192.0.2.7 https://shop.example/    at an address of your choice
  badhop trace --count 50 --interval 1s https://shop.example/    for errors that come and go
  badhop trace wss://shop.example/socket                         the handshake of a WebSocket

A request is sent from this machine to each address of the name. POST and the like are sent once unless --count says otherwise.
Authorization, cookies and passwords are sent and never shown. The certificate is judged before anything is sent; --insecure sends all the same.
Who answered is told from the bytes of the error. Where two or three can have sent them, all are listed, each with the log or command that tells.
Exit codes: 0 every request was answered well, 1 something fails or will, 2 badhop could not run, 3 inconclusive.`;

/** `badhop trace`: what a client sees from outside, and which hop answered. */
export function addTrace(program: Command, context: CommandContext): Command {
  return program
    .command('trace')
    .description('ask a URL from outside: names, every address, TLS, and which product answered')
    .argument('<url>', 'http, https, ws or wss; without a scheme, https')
    .option('-X, --request <method>', 'method of the request (default: GET, with --data POST)')
    .option('-H, --header <field>', 'a field of the request, `Name: value`; may be repeated', gather)
    .option('-d, --data <text>', 'body of the request; @FILE reads it from a file')
    .option('--resolve <host:port:address>', 'take this address instead of asking DNS, as curl does; may be repeated', gather)
    .option('--resolver <address[:port]>', 'ask this resolver instead of those of this machine; may be repeated', gather)
    .option('--count <n>', 'requests to each address (default: 3; 1 with a method that may change something)', parseCount)
    .addOption(new Option('--interval <time>', 'between two rounds').argParser(parseTime('--interval', 0, 60_000)).default(200, '200ms'))
    .addOption(
      new Option('--timeout <time>', 'for one request, from connecting to its last byte').argParser(parseTime('--timeout', 1, 120_000)).default(10_000, '10s'),
    )
    .option('--origin <address>', 'ask the server behind the edge too, and compare: ADDRESS[:PORT] or http://ADDRESS[:PORT]')
    .option('--http1.1', 'use HTTP/1.1 only')
    .option('--http2', 'use HTTP/2 only; without TLS, begin with it at once (prior knowledge)')
    .option('--grpc', 'ask as a gRPC client does: POST over HTTP/2 with an empty message')
    .option('-k, --insecure', 'send the request whatever the certificate is')
    .option('-4, --ipv4', 'ask IPv4 addresses only')
    .option('-6, --ipv6', 'ask IPv6 addresses only')
    .option('--no-follow', 'follow no redirect')
    .option('--sni <name>', 'send this server name in the TLS handshake')
    .option('--no-sni', 'send no server name')
    .option('--cacert <file>', 'trust these authorities (PEM) beside those of this machine')
    .option('--cert <file>', 'certificate of the client (PEM)')
    .option('--key <file>', 'its key (PEM)')
    .option('--header-size-probe', 'find the largest header that is taken, by bisection')
    .option('--body-size-probe', 'find the largest body that is taken, by bisection; sends up to 64 MiB at once')
    .addOption(new Option('--format <format>', 'form of the report').choices(['terminal', 'json']).default('terminal'))
    .option('-v, --verbose', 'show every request, phase and certificate, and what tells who answered')
    .option('--no-color', 'plain text (also: the NO_COLOR variable)')
    .option('--width <columns>', 'width of the report (default: the terminal)', parseWidth)
    .addHelpText('after', examples)
    .action(async (url: string, options: TraceOptions) => {
      const { runTrace, renderTrace } = await import('../compose-trace.ts');
      const progress = createProgress(process.stderr, process.env);
      try {
        const report = await runTrace(url, options, context.version, stage => progress.show(stage));
        progress.end();
        await writeOut(renderTrace(report, options));
        context.finish(verdictCodes[report.verdict]);
      } finally {
        progress.end();
      }
    });
}

function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= 1000) return count;
  throw new InvalidArgumentError('Give a number of requests from 1 to 1000.');
}

/** `500ms`, `10s`, `2m`; a bare number means seconds. In milliseconds. */
function parseTime(option: string, leastMs: number, mostMs: number): (text: string) => number {
  return text => {
    const match = /^(\d{1,7}(?:\.\d{1,3})?)\s?(ms|s|m)?$/.exec(text.trim());
    const ms = Number(match?.[1]) * ({ ms: 1, s: 1000, m: 60_000 }[match?.[2] ?? 's'] ?? 1000);
    if (match !== null && ms >= leastMs && ms <= mostMs) return ms;
    throw new InvalidArgumentError(`Give ${option} a time up to ${mostMs / 1000}s, such as 500ms or 10s.`);
  };
}
