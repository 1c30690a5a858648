import { defineFault } from '../../model/fault.ts';
import { saying, statusOf, tlsEvidence, tlsHops, verifies } from '../../model/handshakes.ts';

/** OpenSSL's verdicts on a chain that does not lead to a trusted root, as it prints and as it names them. */
const texts = [
  'unable to get issuer certificate',
  'unable to get local issuer certificate',
  'self-signed certificate',
  'self signed certificate',
  'unable to verify the first certificate',
  'certificate chain too long',
];
const codes: ReadonlySet<string> = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_CHAIN_TOO_LONG',
]);

/** nginx verifies the backend's certificate, and it leads to no authority of its trusted file. */
export default defineFault({
  meta: {
    id: 'tls-untrusted-issuer',
    layer: 'tls',
    title: "nginx does not trust who issued the backend's TLS certificate",
    explains: ['tls-verify', 'probe-failed'],
    requires: ['hops'],
    leadsTo: ['no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures', 'restart-window'],
    messages: {
      judged: 'The certificate of {address} was issued by {issuer}, which {file} does not lead to ({verdict}).',
      logged: 'nginx does not trust the chain of {address}.',
      atOdds:
        'nginx refuses the chain of {address}, and {file}, as it is on disk now, leads to its issuer {issuer}. Either the file was changed after nginx had read it, or the chain has more links than nginx follows (ssl_verify_depth {depth}).',
    },
  },
  *detect({ hops }) {
    for (const hop of tlsHops(hops)) {
      const { own, route } = hop;
      const told = saying(hop.symptoms, texts);
      const file = own?.request.caFile;
      // By the host's own authorities alone nothing is said of what nginx trusts.
      const isSeen = verifies(route) && file !== undefined && codes.has(own?.tls.verify ?? '');
      if (!isSeen && told.length === 0) continue;
      // Judged now and by the same file it passes: the issuer is no longer what nginx has against it.
      const isAtOdds = !isSeen && file !== undefined && own?.tls.verify === 'OK' && told.some(symptom => symptom.ongoing);
      const depth = route.settings['ssl_verify_depth']?.args[0] ?? '1';
      yield {
        confidence: isSeen ? 'confirmed' : isAtOdds ? 'possible' : 'likely',
        status: statusOf(isSeen, told),
        subject: hop.hop.subject,
        messageId: isSeen ? 'judged' : isAtOdds ? 'atOdds' : 'logged',
        data: { address: hop.hop.peer.id, issuer: own?.tls.issuer ?? 'an unknown issuer', file: file ?? '', verdict: own?.tls.verify ?? '', depth },
        evidence: tlsEvidence(hop, [own], told, 'ssl_trusted_certificate'),
        symptoms: told.map(symptom => symptom.id),
        fixData: { address: hop.hop.peer.id, kind: isAtOdds ? 'at-odds' : 'untrusted', depth, ...(file === undefined ? {} : { file }) },
      };
    }
  },
});
