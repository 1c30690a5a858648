import type { NginxInstance } from './facts/nginx.ts';
import type { Facts } from './facts.ts';
import type { FixStep } from './finding.ts';
import { reloadCommand, testCommand } from './nginx-commands.ts';

const why = 'The workers take up the new configuration; requests under way end on the old ones.';

/** Makes the running nginx read its files anew: by its unit where it has one, else by its binary. */
export function reloadNginx(facts: Pick<Facts, 'nginx-instances'>): FixStep {
  const instances = instancesOf(facts);
  const instance = instances.find(one => one.running) ?? instances[0];
  const argv = instance?.unit !== undefined ? ['systemctl', 'reload', instance.unit] : [instance?.binary ?? 'nginx', '-s', 'reload'];
  return { kind: 'command', argv, disruptive: false, why };
}

/**
 * Edits of nginx's files, and what makes every nginx that reads one of them take it up, after its own test: another nginx of the host has
 * another binary, and knows nothing of these files.
 */
export function takenUp(
  facts: Pick<Facts, 'nginx-instances' | 'nginx-config'>,
  edits: readonly FixStep[],
): { readonly steps: readonly FixStep[]; readonly validate: readonly (readonly string[])[] } {
  const paths = new Set(edits.flatMap(step => (step.kind === 'edit' ? [step.path] : [])));
  const configs = facts['nginx-config'].state === 'known' ? facts['nginx-config'].value : [];
  const readers = new Set(configs.filter(({ files }) => files.some(file => paths.has(file.path))).map(({ instanceId }) => instanceId));
  const instances = instancesOf(facts).filter(({ id }) => readers.has(id));
  const reloads = instances.flatMap((instance): FixStep[] => {
    const argv = reloadCommand(instance);
    return argv === undefined ? [] : [{ kind: 'command', argv, undo: argv, disruptive: false, why }];
  });
  return {
    steps: [...edits, ...(reloads.length > 0 ? reloads : [reloadNginx(facts)])],
    validate: instances.length > 0 ? instances.map(testCommand) : [['nginx', '-t']],
  };
}

function instancesOf(facts: Pick<Facts, 'nginx-instances'>): readonly NginxInstance[] {
  return facts['nginx-instances'].state === 'known' ? facts['nginx-instances'].value : [];
}
