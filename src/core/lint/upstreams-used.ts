import type { LintPass, LintTarget } from './passes.ts';
import type { LintMember } from './upstreams.ts';
import type { LintView } from './view.ts';

/** An address together with a pass that leads to it. */
export interface PassedTo {
  readonly pass: LintPass;
  readonly target: LintTarget;
  readonly member: LintMember;
}

// Nearly every rule walks over them.
const targets = new WeakMap<LintView, readonly Omit<PassedTo, 'member'>[]>();
const members = new WeakMap<LintView, readonly PassedTo[]>();

/** Every address that requests are passed to, each with the first pass that does; those that are marked `down` are left out. */
export function membersPassedTo(view: LintView): readonly PassedTo[] {
  const known = members.get(view);
  if (known !== undefined) return known;
  const seen = new Set<LintMember['token']>();
  const all: PassedTo[] = [];
  for (const { pass, target } of targetsOf(view)) {
    for (const member of target.members) {
      if (member.isDown || seen.has(member.token)) continue;
      // The token of a pass with variables stands for several addresses.
      if (target.upstream !== undefined) seen.add(member.token);
      all.push({ pass, target, member });
    }
  }
  members.set(view, all);
  return all;
}

/** Every target of every pass. */
export function targetsOf(view: LintView): readonly Omit<PassedTo, 'member'>[] {
  const known = targets.get(view);
  if (known !== undefined) return known;
  const all = view.passes.flatMap(pass => pass.targets.map(target => ({ pass, target })));
  targets.set(view, all);
  return all;
}
