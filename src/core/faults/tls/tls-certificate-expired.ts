import { defineFault } from '../../model/fault.ts';
import { saying, statusOf, tlsEvidence, tlsHops, verifies } from '../../model/handshakes.ts';

const texts = ['certificate has expired', 'certificate is not yet valid'];

/** The backend's certificate, or one of its chain, is out of its dates, and nginx looks at them. */
export default defineFault({
  meta: {
    id: 'tls-certificate-expired',
    layer: 'tls',
    title: "The backend's TLS certificate has expired, or is not valid yet",
    explains: ['tls-verify', 'probe-failed'],
    requires: ['hops'],
    leadsTo: ['tls-untrusted-issuer', 'no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures', 'restart-window'],
    messages: {
      leaf: 'The certificate of {address} ({subject}) was valid until {until}, and {directive} is on.',
      early: 'The certificate of {address} ({subject}) is valid from {from} on, and {directive} is on.',
      chain: 'nginx found a certificate of the chain of {address} out of its dates; the last one of it is valid until {until}.',
      logged: 'nginx found the certificate of {address} out of its dates.',
      renewed: 'The certificate of {address} had expired; the one it shows now is valid until {until}.',
    },
  },
  *detect({ hops }, { nowMs }) {
    for (const hop of tlsHops(hops)) {
      const { own, route } = hop;
      const told = saying(hop.symptoms, texts);
      if (!verifies(route) && told.length === 0) continue;
      const until = own?.tls.validTo;
      const from = own?.tls.validFrom;
      const isOver = until !== undefined && Date.parse(until) < nowMs;
      const isEarly = from !== undefined && Date.parse(from) > nowMs;
      const isOngoing = told.some(symptom => symptom.ongoing);
      if (!isOver && !isEarly && told.length === 0) continue;
      const isBad = isOver || isEarly || own?.tls.verify === 'CERT_HAS_EXPIRED' || own?.tls.verify === 'CERT_NOT_YET_VALID';
      yield {
        confidence: isBad && verifies(route) ? 'confirmed' : 'likely',
        status: statusOf(isBad, told),
        subject: hop.hop.subject,
        messageId: isOver ? 'leaf' : isEarly ? 'early' : until === undefined ? 'logged' : isBad || isOngoing ? 'chain' : 'renewed',
        data: { address: hop.hop.peer.id, subject: own?.tls.subject ?? '', until: until ?? '', from: from ?? '', directive: `${route.pass}_ssl_verify` },
        evidence: tlsEvidence(hop, [own], told, 'ssl_verify'),
        symptoms: [
          ...new Set(
            [...told, ...(isBad ? hop.symptoms.filter(symptom => symptom.class === 'tls-verify' && told.length === 0) : [])].map(symptom => symptom.id),
          ),
        ],
        fixData: { address: hop.hop.peer.id, kind: isEarly ? 'early' : 'expired' },
      };
    }
  },
});
