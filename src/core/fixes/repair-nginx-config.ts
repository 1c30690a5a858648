import { defineFix } from '../model/fix.ts';
import type { FixPlan, FixStep } from '../model/finding.ts';
import type { NginxConfig } from '../model/facts/nginx.ts';
import { shellLine, testCommand } from '../model/nginx-commands.ts';
import { editSteps } from '../model/nginx-edits.ts';

/** Closes a directive that lacks its semicolon; any other mistake is a person's to undo. */
export default defineFix({
  id: 'repair-nginx-config',
  fixes: ['nginx-config-invalid'],
  plan(finding, facts): FixPlan | undefined {
    const { instance: id, path, line, error } = finding.fixData ?? {};
    const instance = facts['nginx-instances'].state === 'known' ? facts['nginx-instances'].value.find(one => one.id === id) : undefined;
    const config = facts['nginx-config'].state === 'known' ? facts['nginx-config'].value.find(one => one.instanceId === id) : undefined;
    if (instance === undefined) return undefined;
    const common = {
      id: 'repair-nginx-config',
      validate: [testCommand(instance)],
      verify: `${shellLine(testCommand(instance))} says that the test is successful.`,
    } as const;
    const isPlaced = typeof path === 'string' && typeof line === 'number' && typeof error === 'string';
    const edit = isPlaced && config !== undefined ? semicolonEdit(config, path, line, error) : undefined;
    if (edit !== undefined)
      return {
        ...common,
        summary: `Close the directive before ${String(path)}:${String(line)} with its semicolon`,
        automatic: true,
        risk: 'low',
        minutes: 2,
        steps: [edit],
      };
    const where = isPlaced ? [`sed -n '${Math.max(1, line - 3)},${line + 3}p' ${shellLine([path])}`] : [];
    const copies = isPlaced ? [`ls -la --time-sort=yes ${shellLine([`${path.slice(0, path.lastIndexOf('/'))}/`])}`] : [];
    return {
      ...common,
      summary: 'Undo the last change of the configuration',
      automatic: false,
      risk: 'medium',
      minutes: 10,
      steps: [
        {
          kind: 'manual',
          text: 'Look at the line that nginx names, and the one above it.',
          commands: where.length > 0 ? where : [`less ${shellLine([instance.configPath])}`],
        },
        {
          kind: 'manual',
          text: 'Take the last change back: from version control, a copy beside the file, or by hand. Do not restart nginx before the test passes.',
          commands: [...copies, shellLine(testCommand(instance))],
        },
      ],
    };
  },
});

/**
 * nginx notices a missing semicolon at the `}` or the directive after it: `unexpected "}"`, `directive "x" is not terminated by
 * ";"`, or too many arguments. Only where the line before it ends without one, and is no block, the place is certain.
 */
function semicolonEdit(config: NginxConfig, path: string, line: number, error: string): FixStep | undefined {
  const isUnclosed = error.startsWith('unexpected "}"') || error.includes('is not terminated by ";"') || error.startsWith('invalid number of arguments');
  const text = config.files.find(file => file.path === path)?.text;
  if (!isUnclosed || text === undefined) return undefined;
  const lines = text.split('\n');
  // A directive of one line whose `}` stands behind it is named with its own line.
  const candidates = error.startsWith('unexpected "}"') ? [line - 1, line - 2, line - 3] : [line - 1, line - 2, line];
  for (const number of candidates) {
    const whole = lines[number - 1];
    if (whole === undefined) continue;
    const code = withoutComment(whole);
    if (code.trim() === '') continue;
    if (/[;{}]$/.test(code) || !/^\s*[a-z_]+\s+\S/.test(code)) return undefined;
    const end = lines.slice(0, number - 1).reduce((sum, one) => sum + one.length + 1, 0) + code.length;
    return editSteps([config], [{ path, start: end, end, text: ';' }])[0];
  }
  return undefined;
}

/** The line up to a comment, blanks at its end left out. Lines with quotes are left whole. */
function withoutComment(line: string): string {
  const hash = line.search(/(?:^|\s)#/);
  return (hash === -1 || line.includes('"') || line.includes("'") ? line : line.slice(0, hash)).trimEnd();
}
