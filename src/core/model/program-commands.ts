import type { ManagedProgram } from './facts/managed-program.ts';

/** The manager's own command, as a person types it as root: as the user whose manager it is, with its home or configuration. */
export function managerCommand(program: Pick<ManagedProgram, 'manager' | 'home' | 'user'>, ...args: readonly string[]): readonly string[] {
  if (program.manager === 'supervisor') {
    const isUsual = program.home === '' || program.home === '/etc/supervisor/supervisord.conf' || program.home === '/etc/supervisord.conf';
    return ['supervisorctl', ...(isUsual ? [] : ['-c', program.home]), ...args];
  }
  // PM2 takes its home from the environment: root's own would be another daemon, which the command would start.
  const asUser = program.user === undefined || program.user === 'root' ? [] : ['runuser', '-u', program.user, '--'];
  return [...asUser, 'env', `PM2_HOME=${program.home}`, 'pm2', ...args];
}

/** As one line for a person. */
export function managerLine(program: Pick<ManagedProgram, 'manager' | 'home' | 'user'>, ...args: readonly string[]): string {
  return managerCommand(program, ...args)
    .map(word => (/^[\w./:=,@+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`))
    .join(' ');
}

/** What a finding leaves for its fix. */
export function programFixData(program: ManagedProgram): Readonly<Record<string, unknown>> {
  const { manager, name, label, home, user, isManagerGone } = program;
  return { program: { manager, name, label, home, ...(user === undefined ? {} : { user }), ...(isManagerGone === true ? { isManagerGone } : {}) } };
}

/** Reads it back. */
export function programOf(
  data: Readonly<Record<string, unknown>> | undefined,
): Pick<ManagedProgram, 'manager' | 'name' | 'label' | 'home' | 'user' | 'isManagerGone'> | undefined {
  const value = data?.['program'];
  if (typeof value !== 'object' || value === null) return undefined;
  const { manager, name, label, home, user, isManagerGone } = value as Record<string, unknown>;
  if ((manager !== 'pm2' && manager !== 'supervisor') || typeof name !== 'string' || typeof label !== 'string' || typeof home !== 'string') return undefined;
  return { manager, name, label, home, ...(typeof user === 'string' ? { user } : {}), ...(isManagerGone === true ? { isManagerGone } : {}) };
}
