import { defineFix } from '../model/fix.ts';
import type { FixPlan, FixStep } from '../model/finding.ts';
import { numberOf, textOf } from '../model/fix-data.ts';
import { shellLine } from '../model/nginx-commands.ts';

/** Lets the workers through a folder on the way, or gives them the folder that they write to. */
export default defineFix({
  id: 'open-temp-path',
  fixes: ['temp-path-permission'],
  plan({ fixData }) {
    const readOnly = textOf(fixData, 'readOnly');
    if (readOnly !== undefined) return writable(readOnly);
    const path = textOf(fixData, 'path');
    const mode = numberOf(fixData, 'mode');
    const user = textOf(fixData, 'user') ?? '';
    if (path === undefined || mode === undefined) return undefined;
    const isLeaf = fixData?.['isLeaf'] === true;
    const step: FixStep = isLeaf
      ? {
          kind: 'manual',
          text: `Give ${path} to ${user === '' ? 'the user of the workers' : user}, and nobody else the right to read it: bodies of requests lie there.`,
          commands: [`chown ${user === '' ? 'USER' : user} ${path}`, `chmod u=rwx ${path}`],
        }
      : {
          kind: 'command',
          argv: ['chmod', 'o+x', path],
          undo: ['chmod', (mode & 0o7777).toString(8), path],
          disruptive: false,
          why: `Everybody may pass through ${path}, and still not list what is in it.`,
        };
    return {
      id: 'open-temp-path',
      summary: isLeaf ? `Give ${path} to the workers` : `Let the workers pass through ${path}`,
      automatic: !isLeaf,
      risk: 'low',
      minutes: 1,
      steps: [step],
      validate: [],
      verify: 'A large body is accepted, and the error log names no temporary file with "Permission denied".',
    };
  },
});

/** A file system that the kernel made read-only has errors: it is looked at before it is written to again. */
function writable(folder: string): FixPlan {
  return {
    id: 'open-temp-path',
    summary: `Find out why ${folder} is read-only, and make it writable`,
    automatic: false,
    risk: 'medium',
    minutes: 10,
    steps: [
      {
        kind: 'manual',
        text: 'The kernel mounts a file system read-only when it finds errors in it: then it needs fsck, and not a remount. Where somebody mounted it so, or a unit forbids nginx to write there, take that back.',
        commands: [
          shellLine(['findmnt', '-T', folder]),
          'journalctl -k --no-pager | grep -iE "remount|read-only|I/O error" | tail -20',
          'systemctl show nginx.service -p ProtectSystem -p ReadOnlyPaths -p ReadWritePaths',
        ],
      },
    ],
    validate: [],
    verify: 'A large body is accepted, and the error log names no temporary file with "Read-only file system".',
  };
}
