import type { ProbeResult } from '../probe.ts';

/** What one peer answers to the handshake of a WebSocket on a URL that fails behind nginx. */
export interface UpgradeAnswers {
  readonly routeId: string;
  readonly urlTemplate: string;
  readonly peerId: string;
  /** The whole handshake, as a browser sends it. */
  readonly whole: ProbeResult;
  /** What nginx leaves of it by its configuration. */
  readonly passed: ProbeResult;
  /** The whole handshake on a path that no site has: a peer that takes it there takes it anywhere. */
  readonly elsewhere: ProbeResult;
}
