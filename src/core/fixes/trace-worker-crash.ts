import { defineFix } from '../model/fix.ts';
import type { FixStep } from '../model/finding.ts';
import { textOf } from '../model/fix-data.ts';
import { managerLine, programOf } from '../model/program-commands.ts';

/** A crash is a bug in a program or a library: what can be given is the way to its stack, and a way to live until then. */
export default defineFix({
  id: 'trace-worker-crash',
  fixes: ['backend-crashing'],
  plan(finding) {
    const unit = textOf(finding.fixData, 'unit');
    const program = programOf(finding.fixData);
    const urls = textOf(finding.fixData, 'urls') ?? 'them';
    return {
      id: 'trace-worker-crash',
      summary: 'Find what crashes the workers, and keep the request that does it away until then',
      automatic: false,
      risk: 'medium',
      minutes: 30,
      steps: [...(program === undefined ? stackOfCrash(unit) : [exceptionOf(program)]), keptAway(urls)],
      validate: [],
      verify:
        program === undefined
          ? 'No new line about a worker that died by a signal stands in the log of the backend.'
          : `The count of restarts of ${program.name} stays as it is.`,
    };
  },
});

/** A single page can be answered by nginx meanwhile; what the placeholders of a template stand for is not known. */
function keptAway(urls: string): FixStep {
  const page = /^(?:all \d+|one) for (?:[A-Z]+ )?(\/[\w./~-]*)$/.exec(urls)?.[1];
  if (page === undefined || page === '/')
    return {
      kind: 'manual',
      text: `See whether one request does it (${urls}). If so, answer it with an error in nginx until the bug is repaired, so that it no longer costs a worker.`,
      commands: [],
    };
  return {
    kind: 'manual',
    text: `Only ${page} does it (${urls}). Until the bug is repaired, put "location = ${page} { return 503; }" into the server block, so that it no longer costs a worker. To undo it, take the line out and reload again.`,
    commands: ['nginx -t', 'systemctl reload nginx'],
  };
}

function stackOfCrash(unit: string | undefined): FixStep[] {
  return [
    {
      kind: 'manual',
      text: 'Look at what the kernel and the service say of the crash. An extension or a native library is the usual place; compare with what was upgraded last.',
      commands: [
        'journalctl -k --no-pager -n 1000 | grep -iE "segfault|trap|general protection"',
        ...(unit === undefined ? [] : [`journalctl -u ${unit} -n 80 --no-pager`]),
        'grep -E " (upgrade|install) " /var/log/dpkg.log | tail -20',
      ],
    },
    {
      kind: 'manual',
      text: 'Get the stack of the next crash. It is kept where core_pattern names systemd-coredump (a package of its own on Debian) and the service may write one.',
      commands: [
        'cat /proc/sys/kernel/core_pattern',
        ...(unit === undefined ? [] : [`systemctl show ${unit} -p LimitCORE`]),
        'coredumpctl list --no-pager',
        'coredumpctl info --no-pager',
      ],
    },
  ];
}

/** A program that ends by an exception leaves no core, and its own log has the stack. */
function exceptionOf(program: NonNullable<ReturnType<typeof programOf>>): FixStep {
  return {
    kind: 'manual',
    text: `Read the exception that ends ${program.label} in its error log, and compare with what was released last.`,
    commands:
      program.manager === 'pm2'
        ? [managerLine(program, 'logs', program.name, '--err', '--lines', '80', '--nostream'), managerLine(program, 'list')]
        : [managerLine(program, 'tail', '-8000', program.name, 'stderr'), managerLine(program, 'status')],
  };
}
