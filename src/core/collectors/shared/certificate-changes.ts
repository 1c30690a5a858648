import type { Change } from '../../model/facts/changes.ts';
import { formatAddress } from '../../model/host.ts';
import type { ProbeResult } from '../../model/probe.ts';

/** When the certificates that backends show began and end to be valid, each once. */
export function certificateChanges(probes: readonly ProbeResult[]): readonly Change[] {
  const found = new Map<string, Change>();
  for (const { request, outcome } of probes) {
    const tls = outcome.state === 'answered' ? outcome.answer.tls : undefined;
    if (tls === undefined || request.kind === 'dns') continue;
    const address = formatAddress(request.address);
    const say = (iso: string | undefined, verb: string): void => {
      const timeMs = iso === undefined ? Number.NaN : Date.parse(iso);
      const change: Change = { kind: 'certificate', timeMs, subject: `the certificate of ${address}`, verb, source: `probe tls ${address}` };
      if (Number.isFinite(timeMs)) found.set(`${address} ${verb} ${timeMs}`, change);
    };
    say(tls.validFrom, 'began to be valid');
    say(tls.validTo, 'expired');
  }
  return [...found.values()];
}
