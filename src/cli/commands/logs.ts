import { InvalidArgumentError, Option, type Command } from 'commander';
import type { LogsReport } from '../../core/model/logs-report.ts';
import type { CommandContext } from '../command-context.ts';
import { gather } from '../gather.ts';
import { parseSince, type Since } from '../since.ts';
import { verdictCodes } from '../verdict-codes.ts';
import { parseWidth } from '../width.ts';

/** The command line of `badhop logs`, as it is written. */
export interface LogsOptions {
  readonly since?: Since;
  readonly until?: Since;
  readonly format?: string;
  readonly logFormat?: readonly string[];
  readonly out?: string;
  readonly journal?: readonly string[];
  readonly follow?: boolean;
  readonly zone?: string;
  readonly threads?: number;
  readonly engine?: 'plain' | 'kernel';
  readonly verbose?: boolean;
  readonly color: boolean;
  readonly width?: number;
}

const examples = `
Examples:
  badhop logs /var/log/nginx/                     everything there, rotated and compressed too
  badhop logs access.log error.log --since 2h     both together, the last two hours
  badhop logs access.log* --out report.html       one page with charts, for a ticket
  zcat access.log.gz | badhop logs -              standard input
  badhop logs --journal nginx.service -f          follow a unit's journal
  badhop logs --log-format '$remote_addr [$time_local] $status $upstream_addr' app.log

The format of a log is recognised by its first lines; --log-format names it where that fails.
Exit codes: 0 nothing wrong (healthy, recovered), 1 something fails, 2 nothing could be read,
3 inconclusive (no line was understood), 130 broken off with Ctrl-C, after the report of what was read.`;

/** `badhop logs`: what access and error logs say, of any product and size. */
export function addLogs(program: Command, context: CommandContext): Command {
  return program
    .command('logs')
    .description('read access and error logs at full speed: what failed, when, where, since when')
    .argument('[files...]', "files, folders, patterns, or `-`; without any, the logs of this machine's nginx")
    .option('--since <when>', 'only lines from then on: 90s, 10m, 2h, 1d, or an ISO time', (text: string) => parseSince(text))
    .option('--until <when>', 'only lines before then', (text: string) => parseSince(text, '--until'))
    .option('--format <form>', 'form of the report: terminal, json, markdown, html')
    .option('--log-format <format>', "the log's format: a name, the text of a log_format or LogFormat, or a configuration file; may be repeated", gather)
    .option('--out <file>', 'write the report to a file; its ending names the form')
    .option('--journal <unit>', 'read the journal of a systemd unit; may be repeated', gather)
    .option('-f, --follow', 'go on reading what is added, and tell it every few seconds')
    .option('--zone <zone>', 'zone of logs without one, and of the report: UTC, Europe/Berlin, +02:00 (default: this machine)')
    .option('--threads <number>', 'threads that read beside each other (default: what the machine has)', parseThreads)
    .addOption(new Option('--engine <engine>', 'what counts').choices(['plain', 'kernel']).hideHelp())
    .option('-v, --verbose', 'show everything instead of one screen')
    .option('--no-color', 'plain text (also: the NO_COLOR variable)')
    .option('--width <columns>', 'width of the report (default: the terminal)', parseWidth)
    .addHelpText('after', examples)
    .action(async (files: readonly string[], options: LogsOptions) => {
      const { runLogs } = await import('../run-logs.ts');
      const { report, isInterrupted } = await runLogs(files, options, context.version);
      const { interruptedCode } = await import('../signals.ts');
      context.finish(isInterrupted ? interruptedCode : exitCode(report));
    });
}

function exitCode({ verdict }: LogsReport): number {
  return verdictCodes[verdict];
}

function parseThreads(text: string): number {
  const threads = Number(text);
  if (Number.isInteger(threads) && threads >= 1 && threads <= 64) return threads;
  throw new InvalidArgumentError('Give a number of threads from 1 to 64.');
}
