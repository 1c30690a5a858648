import type { Address } from '../host.ts';
import type { Evidence } from '../finding.ts';
import type { ProbeResult } from '../probe.ts';
import type { Service } from './backend.ts';
import type { ManagedProgram } from './managed-program.ts';
import type { SystemdUnit } from './system.ts';

/** A local peer in use at whose address nobody listens, with what may be its backend. */
export interface LostPeer {
  readonly peerId: string;
  /** Services that run and answer in the protocol of the peer's routes at another address, the likeliest first. */
  readonly found: readonly FoundBackend[];
  /** Units that do not run and may be the backend although nothing names this address, the likeliest first. */
  readonly stopped: readonly StoppedUnit[];
  /** The same for programs of pm2 and supervisord. */
  readonly stoppedPrograms?: readonly StoppedProgram[];
  /** Where the backend is: the first of `found`, where the signs are for it and against every other. */
  readonly here?: FoundBackend;
  /** `sure`: the signs single it out. `fair`: it is the best that there is. Present with `here`. */
  readonly certainty?: 'sure' | 'fair';
  /** Another address of the same name, `localhost` most often, at which the backend does listen. */
  readonly sibling?: string;
}

export interface FoundBackend {
  /** As a client on this host reaches it. */
  readonly address: Address;
  readonly service?: Service;
  readonly probe: ProbeResult;
  /** What speaks for it, in words. */
  readonly signs: readonly string[];
  readonly weight: number;
  /** Another route reaches it at this address. */
  readonly used: boolean;
  /** The line in which it once said that it listens at the peer's address. */
  readonly said?: Evidence;
  /** Its address, its name or its configuration ties it to this peer, and not only that it answers. */
  readonly telling: boolean;
}

export interface StoppedUnit {
  readonly unit: SystemdUnit;
  readonly service?: Service;
  readonly signs: readonly string[];
  readonly weight: number;
}

export interface StoppedProgram {
  readonly program: ManagedProgram;
  /** Its settings, its command or its log name the peer's address. */
  readonly named: boolean;
  readonly signs: readonly string[];
  readonly weight: number;
}
