import { defineFault } from '../../model/fault.ts';
import { placesOf, saying, statusOf, tlsEvidence, tlsHops, type Handshake } from '../../model/handshakes.ts';

/** What OpenSSL says where the versions or the ciphers have nothing in common, on either side. */
const versionTexts = ['alert protocol version', 'unsupported protocol', 'no protocols available', 'SSL alert number 70', 'wrong ssl version'];
const cipherTexts = ['alert handshake failure', 'no shared cipher', 'no ciphers available', 'wrong cipher returned'];

/** nginx and the backend have no version or cipher in common. */
export default defineFault({
  meta: {
    id: 'tls-protocol-mismatch',
    layer: 'tls',
    title: 'nginx and its backend have no TLS version or cipher in common',
    explains: ['tls-handshake', 'tls-other', 'probe-failed'],
    requires: ['hops'],
    leadsTo: ['no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures', 'restart-window'],
    messages: {
      version: '{address} refuses the versions that nginx offers ({offered}) and accepts {accepted}.',
      old: '{address} accepts neither TLS 1.2 nor TLS 1.3: it speaks older versions alone, which nginx and its OpenSSL no longer offer.',
      cipher: '{address} accepts a handshake with common ciphers, and refuses nginx, which is limited by {directive} {ciphers}.',
    },
  },
  *detect({ hops }) {
    for (const hop of tlsHops(hops)) {
      const { own, route, all, symptoms } = hop;
      const told = saying(symptoms, versionTexts);
      const base = { subject: hop.hop.subject, symptoms: symptoms.map(symptom => symptom.id) } as const;
      const others = all.filter(one => one.request.version !== undefined && one.request.version !== own?.request.version);
      const accepted = others.find(one => one.tls.handshake === 'done');
      const offered = route.settings['ssl_protocols']?.args.join(' ') ?? 'the defaults';
      const data = { address: hop.hop.peer.id, offered, accepted: accepted?.request.version ?? '', directive: '', ciphers: '' };
      if (own !== undefined && isVersionError(own) && accepted !== undefined && sameName(own, accepted, all)) {
        yield {
          ...base,
          confidence: 'confirmed',
          status: 'active',
          messageId: 'version',
          data,
          evidence: tlsEvidence(hop, [own, accepted], symptoms, 'ssl_protocols'),
          fixData: { places: placesOf(hop.routes), directives: { ssl_protocols: 'TLSv1.2 TLSv1.3' } },
        };
        continue;
      }
      const versions = new Set(all.filter(isVersionError).map(one => one.request.version));
      if (own !== undefined && isVersionError(own) && versions.has('TLSv1.2') && versions.has('TLSv1.3')) {
        yield {
          ...base,
          confidence: 'likely',
          status: statusOf(true, told),
          messageId: 'old',
          data,
          evidence: tlsEvidence(hop, [own], symptoms, 'ssl_protocols'),
        };
        continue;
      }
      const ciphers = route.settings['ssl_ciphers'];
      const refused = saying(symptoms, cipherTexts);
      if (own?.isDone === true && refused.length > 0 && ciphers?.origin.kind === 'file' && refused.some(symptom => symptom.ongoing)) {
        yield {
          ...base,
          symptoms: refused.map(symptom => symptom.id),
          confidence: 'likely',
          status: 'active',
          messageId: 'cipher',
          data: { ...data, directive: ciphers.directive, ciphers: ciphers.args.join(' ') },
          evidence: tlsEvidence(hop, [own], refused, 'ssl_ciphers'),
        };
      }
    }
  },
});

function isVersionError({ tls }: Handshake): boolean {
  return tls.handshake === 'failed' && /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|WRONG_SSL_VERSION|NO_PROTOCOLS_AVAILABLE|WRONG_VERSION/.test(tls.error ?? '');
}

/** A version is the reason only where the name is the same, or made no difference. */
function sameName(own: Handshake, accepted: Handshake, all: readonly Handshake[]): boolean {
  if (own.request.serverName === accepted.request.serverName) return true;
  return all.some(one => one.request.version === accepted.request.version && one.request.serverName === own.request.serverName && one.tls.handshake === 'done');
}
