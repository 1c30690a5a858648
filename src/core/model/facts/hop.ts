import type { Subject } from '../finding.ts';
import type { ProbeResult } from '../probe.ts';
import type { BackendEvent, Service, ServiceLoad } from './backend.ts';
import type { ManagedProgram } from './managed-program.ts';
import type { ProcessInfo, SystemdUnit } from './system.ts';
import type { Peer, Route, Symptom, UpstreamGroup } from './topology.ts';

/** A peer that nginx uses, joined with everything known of what stands behind it: what most faults look at. */
export interface Hop {
  readonly peer: Peer;
  readonly routes: readonly Route[];
  readonly groups: readonly UpstreamGroup[];
  readonly service?: Service;
  readonly unit?: SystemdUnit;
  /** What pm2 or supervisord calls the service, where one of them keeps it running. */
  readonly program?: ManagedProgram;
  readonly master?: ProcessInfo;
  readonly workers: readonly ProcessInfo[];
  readonly load?: ServiceLoad;
  /** Events of the service's own logs within the window (and its last start and stop before it). */
  readonly events: readonly BackendEvent[];
  /** Every probe of this address. */
  readonly probes: readonly ProbeResult[];
  /** The one in the protocol that nginx speaks to it. */
  readonly own?: ProbeResult;
  /** Symptoms that name this peer. */
  readonly symptoms: readonly Symptom[];
  /** Symptoms that name a group of which this peer is one (`no live upstreams`). */
  readonly groupSymptoms: readonly Symptom[];
  /** The peer as the subject of a finding. */
  readonly subject: Subject;
  /** The service behind it as the subject; the peer where no service is known. */
  readonly serviceSubject: Subject;
}
