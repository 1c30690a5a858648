import { configEvidence, probeEvidence, settingEvidence, symptomEvidence } from './evidence.ts';
import type { Hop } from './facts/hop.ts';
import type { Route, Symptom } from './facts/topology.ts';
import type { Evidence } from './finding.ts';
import type { ProbeAnswer, ProbeRequest, ProbeResult, TlsAnswer } from './probe.ts';

/** A TLS question that the peer answered in TLS, whatever became of the handshake. */
export interface Handshake {
  readonly probe: ProbeResult;
  readonly request: Extract<ProbeRequest, { kind: 'tls' }>;
  readonly answer: ProbeAnswer;
  readonly tls: TlsAnswer;
  /** Both sides were content; the certificate may still not pass. */
  readonly isDone: boolean;
}

/** A peer to which nginx speaks TLS, with its handshakes. `own` is the one made as nginx makes it. */
export interface TlsHop {
  readonly hop: Hop;
  readonly routes: readonly Route[];
  readonly route: Route;
  readonly own: Handshake | undefined;
  readonly all: readonly Handshake[];
  /** What fails there because of TLS. */
  readonly symptoms: readonly Symptom[];
}

const classes: ReadonlySet<Symptom['class']> = new Set<Symptom['class']>(['tls-handshake', 'tls-verify', 'tls-other', 'probe-failed']);

/** The peers with TLS routes. */
export function tlsHops(hops: readonly Hop[]): TlsHop[] {
  return hops.flatMap(hop => {
    const routes = hop.routes.filter(route => route.tls);
    const [route] = routes;
    if (route === undefined || hop.peer.flags.down) return [];
    const all = hop.probes.flatMap(handshakeOf);
    const first = hop.probes.find(probe => probe.request.kind === 'tls');
    const own = all.find(one => one.probe === first);
    return [{ hop, routes, route, own, all, symptoms: hop.symptoms.filter(symptom => classes.has(symptom.class)) }];
  });
}

function handshakeOf(probe: ProbeResult): Handshake[] {
  const { request, outcome } = probe;
  if (request.kind !== 'tls' || outcome.state !== 'answered' || outcome.speaks !== 'tls' || outcome.answer.tls === undefined) return [];
  const { tls } = outcome.answer;
  return [{ probe, request, answer: outcome.answer, tls, isDone: tls.handshake === 'done' && tls.error === undefined }];
}

/** Whether nginx judges the peer's certificate at all. */
export function verifies(route: Route): boolean {
  return route.settings['ssl_verify']?.args[0] === 'on';
}

/** Symptoms whose records hold one of the texts. */
export function saying(symptoms: readonly Symptom[], texts: readonly string[]): Symptom[] {
  return symptoms.filter(symptom => symptom.errorGroups.some(group => group.samples.some(sample => texts.some(text => sample.text.includes(text)))));
}

/** Active while it shows in a probe or goes on in the log. */
export function statusOf(isSeen: boolean, symptoms: readonly Symptom[]): 'active' | 'past' {
  return isSeen || symptoms.some(symptom => symptom.ongoing) ? 'active' : 'past';
}

/** The handshakes that prove it, lines of the log, and what the configuration says of a setting. */
export function tlsEvidence(
  hop: TlsHop,
  proofs: readonly (Handshake | undefined)[],
  symptoms: readonly Symptom[],
  setting: string,
): readonly [Evidence, ...Evidence[]] {
  const { route } = hop;
  const inForce = route.settings[setting];
  const config = inForce === undefined ? configEvidence(route.origin, `${route.pass}_pass ${route.target};`) : settingEvidence(inForce);
  const [first, ...rest] = [
    ...proofs.flatMap(proof => (proof === undefined ? [] : [describe(proof)])),
    ...symptoms.filter(symptom => symptom.count > 0).flatMap(symptom => symptomEvidence(symptom, 1)),
    config,
  ];
  return [first, ...rest];
}

/** The lines of the configuration that a fix of these routes changes. */
export function placesOf(routes: readonly Route[]): { readonly path: string; readonly line: number }[] {
  return routes.map(route => ({ path: route.origin.path, line: route.origin.line }));
}

/** The name that nginx uses for the peer's certificate, as far as the configuration alone says. */
export function nameInForce(hop: TlsHop): string {
  const { route } = hop;
  const set = route.settings['ssl_name']?.args[0] ?? '';
  if (set !== '' && !set.startsWith('$')) return set;
  const authority = route.target.slice(route.target.indexOf('://') + 3).split('/')[0] ?? '';
  return authority.startsWith('[') ? (authority.slice(1).split(']')[0] ?? '') : (authority.split(':')[0] ?? '');
}

/** What a handshake said beyond the probe's own line: who the certificate is for, and until when. */
function describe({ probe, tls }: Handshake): Evidence {
  const { source, text } = probeEvidence(probe);
  const more = [
    ...(tls.error === undefined || tls.handshake === 'failed' ? [] : [`then ${tls.error}`]),
    ...(tls.clientCertificateRequested === true ? ['a client certificate is requested'] : []),
    ...(tls.verify === undefined || tls.verify === 'OK' ? [] : [`verification: ${tls.verify}`]),
    ...(tls.names === undefined ? [] : [`names ${tls.names.slice(0, 5).join(', ')}`]),
    ...(tls.validTo === undefined ? [] : [`valid until ${tls.validTo}`]),
  ];
  return { source, text: [text, ...more].join('; ') };
}
