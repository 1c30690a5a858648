import type { Evidence } from './finding.ts';
import type { Hop } from './facts/hop.ts';
import type { LostPeer } from './facts/lost-peer.ts';
import type { ManagedProgram } from './facts/managed-program.ts';
import { runPath } from './host.ts';
import { fairWeight } from './unit-behind.ts';

/** The program of a process manager that serves a peer, and how sure that is; as `UnitBehind` is for units. */
export interface ProgramBehind {
  readonly program: ManagedProgram;
  readonly how: 'named' | 'likened';
  /** Why it is thought to be the one: the end of a sentence that begins with its name. */
  readonly because: string;
  readonly evidence: readonly Evidence[];
}

/** The program of the peer's service; where no service is known and nobody listens, the likeliest of those that do not run. */
export function programBehind(hop: Hop, lost: readonly LostPeer[]): ProgramBehind | undefined {
  // What a manager that is gone ran once may have moved elsewhere since.
  const how = hop.program?.isManagerGone === true ? 'likened' : 'named';
  if (hop.program !== undefined) return { program: hop.program, how, because: 'its settings or its log name that address', evidence: naming(hop.program, hop) };
  if (!hop.peer.local || hop.peer.listeners.length > 0 || hop.unit !== undefined) return undefined;
  const search = lost.find(one => one.peerId === hop.peer.id);
  const [first, second] = search?.stoppedPrograms ?? [];
  const unit = search?.stopped[0]?.weight ?? 0;
  if (first === undefined || first.weight < fairWeight || first.weight === second?.weight || first.weight <= unit) return undefined;
  return {
    program: first.program,
    how: first.named && first.program.isManagerGone !== true ? 'named' : 'likened',
    because: first.signs.join(', and '),
    evidence: naming(first.program, hop),
  };
}

/** The line of its settings or of its log in which the address stands. */
function naming(program: ManagedProgram, hop: Hop): readonly Evidence[] {
  const { address } = hop.peer;
  const line = program.addresses.find(({ value }) =>
    value.kind === 'unix' ? address.kind === 'unix' && runPath(value.path) === runPath(address.path) : address.kind !== 'unix' && value.port === address.port,
  );
  if (line?.text !== undefined) return [{ source: line.source, text: line.text }];
  const isNamed = address.kind !== 'unix' && program.command?.includes(String(address.port)) === true;
  return isNamed && program.manager === 'supervisor' ? [{ source: `config:${program.home}`, text: `command=${program.command ?? ''}` }] : [];
}
