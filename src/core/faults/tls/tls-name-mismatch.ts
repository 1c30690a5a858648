import { defineFault } from '../../model/fault.ts';
import { nameInForce, placesOf, saying, statusOf, tlsEvidence, tlsHops, verifies } from '../../model/handshakes.ts';

/** The certificate is good and is for another name than the one nginx checks. */
export default defineFault({
  meta: {
    id: 'tls-name-mismatch',
    layer: 'tls',
    title: "The backend's TLS certificate is for another name than nginx expects",
    explains: ['tls-verify', 'probe-failed'],
    requires: ['hops'],
    leadsTo: ['no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures', 'restart-window'],
    messages: {
      names: 'nginx expects a certificate for {name}, and {address} shows one for {names}.',
      logged: 'nginx found that the certificate of {address} is not for {name}.',
      unnamed:
        'nginx found that the certificate of {address} is not for {name}. It sends no name in the handshake ({directive} is off): a server of several names may show another certificate for that.',
    },
  },
  *detect({ hops }) {
    for (const hop of tlsHops(hops)) {
      const { own, route } = hop;
      const told = saying(hop.symptoms, ['upstream SSL certificate does not match']);
      const isSeen = verifies(route) && own?.tls.verify === 'HOSTNAME_MISMATCH';
      if (!isSeen && told.length === 0) continue;
      const name = own?.request.verifyName ?? nameInForce(hop);
      const names = own?.tls.names ?? [];
      const only = names.length === 1 && names[0] !== undefined && !names[0].includes('*') ? names[0] : undefined;
      const sendsNone = own === undefined && route.settings['ssl_server_name']?.args[0] === 'off';
      yield {
        confidence: isSeen ? 'confirmed' : sendsNone ? 'possible' : 'likely',
        status: statusOf(isSeen, told),
        subject: hop.hop.subject,
        messageId: isSeen ? 'names' : sendsNone ? 'unnamed' : 'logged',
        data: { address: hop.hop.peer.id, name, names: names.slice(0, 5).join(', '), directive: `${route.pass}_ssl_server_name` },
        evidence: tlsEvidence(hop, [own], told, 'ssl_name'),
        symptoms: told.map(symptom => symptom.id),
        ...(only === undefined || !isSeen ? {} : { fixData: { places: placesOf(hop.routes), directives: { ssl_name: only } } }),
      };
    }
  },
});
