import type { Facts } from './facts.ts';
import type { FixStep } from './finding.ts';

/** Makes the running nginx read its files anew: by its unit where it has one, else by its binary. */
export function reloadNginx(facts: Pick<Facts, 'nginx-instances'>): FixStep {
  const instances = facts['nginx-instances'].state === 'known' ? facts['nginx-instances'].value : [];
  const instance = instances.find(one => one.running) ?? instances[0];
  const argv = instance?.unit !== undefined ? ['systemctl', 'reload', instance.unit] : [instance?.binary ?? 'nginx', '-s', 'reload'];
  return { kind: 'command', argv, disruptive: false, why: 'The workers take up the new configuration; requests under way end on the old ones.' };
}
