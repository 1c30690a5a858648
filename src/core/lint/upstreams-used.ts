import type { LintPass, LintTarget } from './passes.ts';
import type { LintMember } from './upstreams.ts';
import type { LintView } from './view.ts';

/** An address together with a pass that leads to it. */
export interface PassedTo {
  readonly pass: LintPass;
  readonly target: LintTarget;
  readonly member: LintMember;
}

/** Every address that requests are passed to, each with the first pass that does; those that are marked `down` are left out. */
export function* membersPassedTo(view: LintView): Generator<PassedTo> {
  const seen = new Set<LintMember['token']>();
  for (const { pass, target } of targetsOf(view)) {
    for (const member of target.members) {
      if (member.isDown || seen.has(member.token)) continue;
      // The token of a pass with variables stands for several addresses.
      if (target.upstream !== undefined) seen.add(member.token);
      yield { pass, target, member };
    }
  }
}

/** Every target of every pass. */
export function* targetsOf(view: LintView): Generator<Omit<PassedTo, 'member'>> {
  for (const pass of view.passes) for (const target of pass.targets) yield { pass, target };
}
