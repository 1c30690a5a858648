import { InvalidArgumentError, Option, type Command } from 'commander';
import { BadhopError } from '../../core/model/error.ts';
import type { LintReport, LintSeverity } from '../../core/model/lint.ts';
import { chooseLook, writeOut } from '../output.ts';
import type { CommandContext } from '../command-context.ts';
import { parseWidth } from '../width.ts';

interface LintOptions {
  readonly prefix?: string;
  readonly root?: string;
  readonly nginxVersion?: string;
  readonly upgradeTo?: string;
  readonly format: 'terminal' | 'json' | 'sarif' | 'github';
  readonly failOn: LintSeverity;
  readonly fix?: boolean;
  readonly apply?: boolean;
  readonly color: boolean;
  readonly width?: number;
}

const examples = `
Examples:
  badhop lint                                       the configuration of the nginx installed here
  badhop lint deploy/nginx.conf                     a file with all that it includes
  badhop lint deploy/ --format sarif > lint.sarif   a folder, for a code review
  nginx -T 2>/dev/null | badhop lint -              what nginx itself reads
  badhop lint --nginx-version 1.24.0 --upgrade-to 1.31.5   what an upgrade would change
  badhop lint nginx.conf --fix                      show the changes; --fix --apply makes them

A comment \`# badhop-ignore RULE: reason\` on a line or above it silences a rule there.
\`badhop explain RULE\` says what a rule means.
Exit codes: 0 nothing wrong, 1 findings of the --fail-on severity or worse, 2 nothing could be read,
3 inconclusive: something that matters could not be read, and the rest does not fail.`;

/** `badhop lint`: every cause of a 502, 503 or 504 that a configuration alone can show. */
export function addLint(program: Command, context: CommandContext): Command {
  return program
    .command('lint')
    .description('check an nginx configuration without a host: for review, CI, before an upgrade')
    .argument('[path]', "a file, a folder, the output of `nginx -T`, or `-`; without it, this machine's nginx.conf")
    .option('-p, --prefix <dir>', "nginx's prefix: where a relative path begins")
    .option('--root <dir>', 'where absolute paths of includes are looked up')
    .option('--nginx-version <version>', 'whose defaults count (default: the installed one, else the newest known)', parseVersion)
    .option('--upgrade-to <version>', 'tell what an upgrade to that version changes for this file', parseVersion)
    .addOption(new Option('--format <format>', 'form of the report').choices(['terminal', 'json', 'sarif', 'github']).default('terminal'))
    .addOption(new Option('--fail-on <severity>', 'from which severity on the exit code is 1').choices(['error', 'warning', 'notice']).default('warning'))
    .option('--fix', 'show the changes of the findings that have a safe one')
    .option('--apply', 'with --fix: make these changes in the files')
    .option('--no-color', 'plain text (also: the NO_COLOR variable)')
    .option('--width <columns>', 'width of the report (default: the terminal)', parseWidth)
    .addHelpText('after', examples)
    .action(async (path: string | undefined, options: LintOptions) => {
      if (options.apply === true && options.fix !== true) throw new BadhopError('usage', '--apply belongs to --fix', { hint: 'Write --fix --apply.' });
      const { lint } = await import('../compose-lint.ts');
      const { prefix, root, nginxVersion, upgradeTo, apply = false } = options;
      const { report, written } = await lint({ path, prefix, root, nginxVersion, upgradeTo, apply, version: context.version });
      await writeOut(await renderReport(report, options));
      if (options.apply === true) await tellWritten(written);
      context.finish(exitCode(report, options.failOn));
    });
}

async function renderReport(report: LintReport, { format, fix = false, color, width }: LintOptions): Promise<string> {
  switch (format) {
    case 'json':
      return (await import('../../core/reporters/lint/json.ts')).renderLintJson(report);
    case 'sarif':
      return (await import('../../core/reporters/lint/sarif.ts')).renderLintSarif(report);
    case 'github':
      return (await import('../../core/reporters/lint/github.ts')).renderLintGithub(report);
    case 'terminal':
      return (await import('../../core/reporters/lint/terminal.ts')).renderLintTerminal(report, chooseLook(process.stdout, process.env, { color, width }), {
        withFixes: fix,
      });
  }
}

async function tellWritten(written: readonly string[]): Promise<void> {
  const { escapeText } = await import('../../core/reporters/text.ts');
  const text = written.length === 0 ? 'Nothing was changed.' : `Changed ${written.map(path => escapeText(path)).join(', ')}. Run \`nginx -t\`, then reload.`;
  process.stderr.write(`${text}\n`);
}

function exitCode({ findings, notChecked }: LintReport, failOn: LintSeverity): number {
  const failing = { error: ['error'], warning: ['error', 'warning'], notice: ['error', 'warning', 'notice'] }[failOn];
  if (findings.some(({ severity }) => failing.includes(severity))) return 1;
  return notChecked.some(({ matters }) => matters) ? 3 : 0;
}

function parseVersion(text: string): string {
  if (/^\d{1,3}\.\d{1,3}(?:\.\d{1,3})?$/.test(text)) return text.split('.').length === 2 ? `${text}.0` : text;
  throw new InvalidArgumentError('Give a version such as 1.26.3.');
}
