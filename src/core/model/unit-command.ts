import type { ProcessInfo, SystemdUnit } from './facts/system.ts';

/** What may stand in ExecStart= without quotes and without a meaning to systemd. */
const plain = /^[\w./:=,@+-]+$/;

/**
 * The unit's command with one option set to another value, as a line for a drop-in. `undefined` where the line cannot be
 * written again for sure: it has quotes, variables or specifiers, or the running process has other words.
 */
export function commandWith(unit: SystemdUnit, main: ProcessInfo, names: readonly string[], value: string): string | undefined {
  const words = (unit.execStart ?? '').split(' ').filter(word => word !== '');
  const [program, ...args] = words;
  if (program === undefined || !program.startsWith('/') || !words.every(word => plain.test(word))) return undefined;
  // systemctl shows the words without their quotes: only the process itself knows where each ends.
  const running = main.argv.slice(main.argv.length - args.length);
  if (running.length !== args.length || running.some((word, index) => word !== args[index])) return undefined;
  const next = [...args];
  const at = next.findIndex(word => names.includes(word));
  const joined = next.findIndex(word => names.some(name => name.startsWith('--') && word.startsWith(`${name}=`)));
  if (at >= 0 && at + 1 < next.length) next[at + 1] = value;
  else if (joined >= 0) next[joined] = `${(next[joined] ?? '').split('=')[0] ?? ''}=${value}`;
  else next.unshift(names[0] ?? '', value);
  return [program, ...next].join(' ');
}
