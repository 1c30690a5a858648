import { defineFix, lineDiff } from '../model/fix.ts';
import type { PhpFpmPool, Sourced } from '../model/facts/backend.ts';
import { valueOr } from '../model/fact.ts';
import type { Facts, PathPart } from '../model/facts.ts';
import type { FixPlan, FixStep } from '../model/finding.ts';
import { describePart } from '../model/socket-access.ts';

/** Lets the user of nginx connect: by the pool's own directives where php-fpm made the socket, else by steps for a person. */
export default defineFix({
  id: 'allow-socket-access',
  fixes: ['socket-permission-denied'],
  plan(finding, facts) {
    const { path, part, right, workerUser, pool: poolName, poolPath, unit } = finding.fixData ?? {};
    if (typeof path !== 'string' || !isPart(part)) return undefined;
    const user = typeof workerUser === 'string' ? workerUser : 'www-data';
    const pools = facts['php-fpm-pools'].state === 'known' ? facts['php-fpm-pools'].value.pools : [];
    const pool = right === 'write' ? pools.find(one => one.name === poolName && one.path === poolPath) : undefined;
    return (
      (pool === undefined ? undefined : poolPlan(pool, path, part, user, facts)) ?? manualPlan(path, part, user, typeof unit === 'string' ? unit : undefined)
    );
  },
});

/** The directives for the next start, and the same rights for the socket that is there: nothing is restarted. */
function poolPlan(pool: PhpFpmPool, path: string, part: PathPart, user: string, facts: Pick<Facts, 'processes'>): FixPlan | undefined {
  const exe = valueOr(facts.processes, []).find(process => process.pid === pool.masterPid)?.exe;
  const wanted: readonly (readonly [string, string])[] = [
    ['listen.owner', user],
    ['listen.group', user],
    ['listen.mode', '0660'],
  ];
  const edits: FixStep[] = [];
  const missing: string[] = [];
  for (const [key, value] of wanted) {
    const setting = pool.values[key];
    if (setting === undefined) missing.push(`${key} = ${value}`);
    else if (setting.value !== value) {
      const edit = editOf(pool.path, setting, `${key} = ${value}`);
      if (edit === undefined) return undefined;
      edits.push(edit);
    }
  }
  if (missing.length > 0) {
    const { listen } = pool;
    const line = pool.values['listen'] ?? (listen?.text === undefined ? undefined : { value: '', source: listen.source, text: listen.text });
    const edit = line?.text === undefined ? undefined : editOf(pool.path, line, [line.text, ...missing].join('\n'));
    if (edit === undefined) return undefined;
    edits.push(edit);
  }
  return {
    id: 'allow-socket-access',
    summary: `Give the socket of pool ${pool.name} to ${user}, in the pool's file and on the socket itself`,
    automatic: true,
    risk: 'low',
    minutes: 1,
    steps: [
      ...edits,
      {
        kind: 'command',
        argv: ['chown', `${user}:${user}`, path],
        undo: ['chown', `${part.uid}:${part.gid}`, path],
        disruptive: false,
        why: 'The socket that is there gets the same owner at once, without a restart.',
      },
      {
        kind: 'command',
        argv: ['chmod', '0660', path],
        undo: ['chmod', (part.mode & 0o7777).toString(8).padStart(4, '0'), path],
        disruptive: false,
        why: 'Connecting needs the right to write.',
      },
    ],
    validate: exe === undefined || edits.length === 0 ? [] : [[exe, '-t', '-y', pool.mainConfig]],
    verify: `Requests through nginx reach ${path}, and no more errors say "Permission denied".`,
  };
}

function editOf(path: string, setting: Sourced<string>, after: string): FixStep | undefined {
  const line = Number(setting.source.slice(setting.source.lastIndexOf(':') + 1));
  if (setting.text === undefined || !setting.source.startsWith(`file:${path}:`) || !Number.isInteger(line)) return undefined;
  return { kind: 'edit', path, line, before: setting.text, after, diff: lineDiff(path, line, setting.text, after) };
}

function manualPlan(path: string, part: PathPart, user: string, unit: string | undefined): FixPlan {
  const isFolder = part.kind === 'directory';
  const group = part.group ?? String(part.gid);
  const fitting = isFolder
    ? [
        `chmod o+x ${part.path}   # or: usermod -aG ${group} ${user}, and restart nginx`,
        ...(unit === undefined ? [] : [`systemctl edit ${unit}   # [Service] RuntimeDirectoryMode=0755, where systemd makes the folder`]),
      ]
    : [
        `chgrp ${user} ${path} && chmod g+rw ${path}   # at once, until the next start`,
        ...(unit === undefined ? [] : [`systemctl edit ${unit}   # [Service] Group=${user} and UMask=0007, so that the next socket is made so`]),
      ];
  return {
    id: 'allow-socket-access',
    summary: isFolder ? `Let ${user} pass through ${part.path}` : `Let ${user} write to ${path}`,
    automatic: false,
    risk: 'low',
    minutes: 5,
    steps: [
      {
        kind: 'manual',
        text: `${describePart(part)} keeps ${user} out. Who else may come in by a wider mode is for a person to judge.`,
        commands: [`namei -l ${path}`, ...fitting],
      },
    ],
    validate: [],
    verify: `Requests through nginx reach ${path}.`,
  };
}

function isPart(value: unknown): value is PathPart {
  return typeof value === 'object' && value !== null && 'path' in value && 'mode' in value;
}
