import { defineFault, ruledOut } from '../../model/fault.ts';
import { nameInForce, placesOf, statusOf, tlsEvidence, tlsHops, verifies, type Handshake, type TlsHop } from '../../model/handshakes.ts';

/** A server with several names wants to be told which; nginx does not tell unless proxy_ssl_server_name is on. */
export default defineFault({
  meta: {
    id: 'tls-sni-missing',
    layer: 'tls',
    title: 'The backend wants a server name in the TLS handshake, and nginx sends none',
    explains: ['tls-handshake', 'tls-verify', 'tls-other', 'probe-failed'],
    requires: ['hops'],
    leadsTo: ['tls-name-mismatch', 'tls-untrusted-issuer', 'no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures', 'restart-window'],
    messages: {
      refused: '{address} refuses a handshake without a server name and accepts one for {name}; {directive} is off.',
      certificate: 'Without a server name {address} shows another certificate than for {name}, and nginx does not accept that one; {directive} is off.',
      answer: 'Without a server name {address} answers 421 (misdirected), and for {name} it does not; {directive} is off.',
    },
  },
  *detect({ hops }) {
    for (const hop of tlsHops(hops)) {
      const { own, route, symptoms } = hop;
      if (own === undefined || own.request.serverName !== undefined) continue;
      const how = trouble(own, hop);
      if (how === undefined) continue;
      const named = hop.all.filter(one => one.request.serverName !== undefined && !isSameTrouble(one, how));
      const good = named.find(one => one.request.version === own.request.version) ?? named.find(one => one.request.version === undefined);
      if (good?.request.serverName === undefined) {
        const tried = hop.all.filter(one => one.request.serverName !== undefined);
        if (tried.length > 0) yield ruledOut(`${hop.hop.peer.id} refuses the handshake with a server name as well`);
        continue;
      }
      const unnamed = hop.all.filter(one => one.request.serverName === undefined && one.request.version === good.request.version);
      // Without a pair that differs in the name alone, the version may be the reason.
      if (unnamed.some(one => !isSameTrouble(one, how))) continue;
      const name = good.request.serverName;
      yield {
        confidence: 'confirmed',
        status: statusOf(true, symptoms),
        subject: hop.hop.subject,
        messageId: how,
        data: { address: hop.hop.peer.id, name, directive: `${route.pass}_ssl_server_name` },
        evidence: tlsEvidence(hop, [own, good], symptoms, 'ssl_server_name'),
        symptoms: symptoms.map(symptom => symptom.id),
        fixData: {
          places: placesOf(hop.routes),
          directives: { ssl_server_name: 'on', ...(nameInForce(hop) === name ? {} : { ssl_name: name }) },
        },
      };
    }
  },
});

type Trouble = 'refused' | 'certificate' | 'answer';

function trouble(own: Handshake, { route }: TlsHop): Trouble | undefined {
  if (own.tls.handshake === 'failed') return 'refused';
  if (verifies(route) && own.request.caFile !== undefined && own.tls.verify !== 'OK') return 'certificate';
  return own.answer.status === 421 ? 'answer' : undefined;
}

function isSameTrouble(one: Handshake, how: Trouble): boolean {
  if (how === 'refused') return one.tls.handshake === 'failed';
  return how === 'certificate' ? one.tls.verify !== 'OK' : one.answer.status === 421;
}
