import { defineFault } from '../../model/fault.ts';
import { saying, statusOf, tlsEvidence, tlsHops } from '../../model/handshakes.ts';

/** The backend wants nginx to prove who it is, and nginx has no certificate for that, or one that is not accepted. */
export default defineFault({
  meta: {
    id: 'tls-client-certificate-required',
    layer: 'tls',
    title: 'The backend wants a client certificate that nginx does not give',
    explains: ['tls-handshake', 'tls-other', 'probe-failed', 'reset', 'premature-close'],
    requires: ['hops'],
    leadsTo: ['no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures', 'restart-window'],
    messages: {
      none: '{address} asks for a client certificate and ends the connection without one; no {directive} is set.',
      page: '{address} answers "No required SSL certificate was sent"; no {directive} is set.',
      refused: '{address} asks for a client certificate, and does not accept the one that nginx sends ({certificate}).',
    },
  },
  *detect({ hops }) {
    for (const hop of tlsHops(hops)) {
      const { own, route, symptoms } = hop;
      if (own?.tls.clientCertificateRequested !== true) continue;
      const isPage = own.answer.status === 400;
      // A server may ask and go on without one.
      if (own.isDone && !isPage) continue;
      const directive = `${route.pass}_ssl_certificate`;
      const given = route.settings['ssl_certificate'];
      const hasOne = given !== undefined && given.args[0] !== '';
      const told = saying(hop.hop.symptoms, [
        'alert certificate required',
        'alert handshake failure',
        'alert bad certificate',
        'alert unknown ca',
        'alert certificate unknown',
        'alert certificate expired',
      ]);
      // badhop has no key of nginx's: that it is refused itself says nothing where nginx has a certificate.
      if (hasOne && told.length === 0) continue;
      yield {
        confidence: hasOne ? 'likely' : 'confirmed',
        status: statusOf(!hasOne, told),
        subject: hop.hop.subject,
        messageId: hasOne ? 'refused' : isPage ? 'page' : 'none',
        data: { address: hop.hop.peer.id, directive, certificate: given?.args[0] ?? '' },
        evidence: tlsEvidence(hop, [own], told, 'ssl_certificate'),
        symptoms: [...new Set([...told, ...(hasOne ? [] : symptoms)].map(symptom => symptom.id))],
        fixData: { module: route.pass, place: `${route.origin.path}:${route.origin.line}`, address: hop.hop.peer.id },
      };
    }
  },
});
