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
      steps: [
        {
          kind: 'manual',
          ...(program === undefined ? stackOfCrash(unit) : exceptionOf(program)),
        },
        {
          kind: 'manual',
          text: `See whether one request does it (${urls}). If so, answer it with an error in nginx until the bug is repaired, so that it no longer costs a worker.`,
          commands: [],
        },
      ],
      validate: [],
      verify:
        program === undefined
          ? 'No new line about a worker that died by a signal stands in the log of the backend.'
          : `The count of restarts of ${program.name} stays as it is.`,
    };
  },
});

type Step = Pick<Extract<FixStep, { kind: 'manual' }>, 'text' | 'commands'>;

function stackOfCrash(unit: string | undefined): Step {
  return {
    text: 'Get the stack of a crash. An extension or a native library is the usual place; compare with what was upgraded last.',
    commands: [
      'coredumpctl list --no-pager',
      'coredumpctl info --no-pager',
      'journalctl -k --no-pager | grep -i segfault',
      ...(unit === undefined ? [] : [`journalctl -u ${unit} -n 80 --no-pager`]),
    ],
  };
}

function exceptionOf(program: NonNullable<ReturnType<typeof programOf>>): Step {
  return {
    text: `Read the exception that ends ${program.label} in its error log, and compare with what was released last.`,
    commands:
      program.manager === 'pm2'
        ? [managerLine(program, 'logs', program.name, '--err', '--lines', '80', '--nostream'), managerLine(program, 'list')]
        : [managerLine(program, 'tail', '-8000', program.name, 'stderr'), managerLine(program, 'status')],
  };
}
