import type { Evidence } from '../model/finding.ts';
import type { TlsObservation, TraceAttempt } from '../model/trace.ts';
import { certificateProblems } from './certificate-problems.ts';
import { lookNext, milliseconds, placeOf, sourceOf, type Problem, type ProblemContext, type ProblemReader } from './problem.ts';

const versionErrors = /ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|WRONG_SSL_VERSION|NO_PROTOCOLS_AVAILABLE|LEGACY/i;
const nameErrors = /UNRECOGNIZED_NAME/i;

/** The handshake failed, or the certificate is not good. */
export const tlsProblems: ProblemReader = (attempt, context) => {
  const { tls } = attempt;
  if (tls === undefined) return [];
  const wanted = wantsCertificate(attempt, tls);
  if (wanted !== undefined) return [clientCertificate(attempt, context, wanted)];
  if (tls.handshake === 'failed') return [failedHandshake(attempt, tls, context)];
  const missing = missingName(attempt, tls, context);
  return missing === undefined ? certificateProblems(attempt, context) : [missing];
};

function evidenceOf(attempt: TraceAttempt, context: ProblemContext, text: string): Evidence {
  return { source: sourceOf(attempt, context, 'TLS handshake'), text };
}

function saysOf({ serverName, error, spoke, head }: TlsObservation): string {
  const sent = serverName === undefined ? 'no server name sent' : `server name ${serverName}`;
  return `${sent}: ${error ?? 'done'}${spoke === 'nothing' ? ', not one byte came' : ''}${head === undefined || head === '' ? '' : `, ${JSON.stringify(head.slice(0, 120))} came`}`;
}

/** What shows that the server insists on a certificate of the client's: in the handshake, behind it, or in its page. */
function wantsCertificate({ answer }: TraceAttempt, tls: TlsObservation): string | undefined {
  const isRefused = tls.error !== undefined && (tls.handshake === 'failed' ? /ALERT|HANDSHAKE|CERTIFICATE/i.test(tls.error) : true);
  if (tls.clientCertificateRequested === true && (isRefused || tls.handshake === 'failed')) return tls.error ?? 'the server asks for a client certificate';
  const response = answer?.response;
  if (response === undefined || (response.status !== 400 && response.status !== 403 && response.status !== 496)) return undefined;
  const page = textOf(response.body);
  const says = /No required SSL certificate was sent|client certificate (?:is )?required|403\.7[^\n]{0,80}certificate/i.exec(page)?.[0];
  return says === undefined ? undefined : `${response.status}: ${says}`;
}

function clientCertificate(attempt: TraceAttempt, context: ProblemContext, says: string): Problem {
  return {
    fault: 'tls-client-certificate-required',
    layer: 'tls',
    symptomClass: 'tls-handshake',
    title: 'The server wants a certificate of the client',
    explanation: `${placeOf(attempt)} asks the client for a certificate and refuses the request without one. Whoever is to reach it, an edge before an origin for one, has to send one that it trusts.`,
    confidence: 'confirmed',
    evidence: [evidenceOf(attempt, context, says)],
    next: lookNext('send-client-certificate', 'Ask again with a client certificate', [
      ['With a certificate that the server trusts, see whether it answers:', `badhop trace --cert client.crt --key client.key ${context.hop.url}`],
      ['Where an edge or nginx stands before it, see which certificate that sends: proxy_ssl_certificate; authenticated origin pulls.'],
    ]),
  };
}

function failedHandshake(attempt: TraceAttempt, tls: TlsObservation, context: ProblemContext): Problem {
  const error = tls.error ?? '';
  const common = { layer: 'tls', symptomClass: 'tls-handshake', confidence: 'confirmed', evidence: [evidenceOf(attempt, context, saysOf(tls))] } as const;
  if (tls.spoke === 'http' || tls.spoke === 'other') return notTls(attempt, tls, context);
  const missing = missingName(attempt, tls, context);
  if (missing !== undefined) return missing;
  const versions = context.hop.tlsVersions?.address === attempt.address ? context.hop.tlsVersions.versions : undefined;
  const taken = versions?.filter(each => each.taken).map(each => each.version);
  const isOld = taken !== undefined && taken.length > 0 && taken.every(version => version === 'TLSv1' || version === 'TLSv1.1');
  if (versionErrors.test(error) || isOld) {
    const best = taken?.at(-1);
    return {
      ...common,
      fault: 'tls-protocol-mismatch',
      title: best === undefined ? 'Client and server have no version of TLS in common' : `The server speaks no TLS newer than ${best}`,
      explanation: `Clients of today speak TLS 1.2 and 1.3. ${placeOf(attempt)} ${best === undefined ? 'takes neither' : `takes ${(taken ?? []).join(' and ')} alone`}, so browsers, curl and proxies refuse it.`,
      evidence: [
        ...common.evidence,
        ...(versions === undefined
          ? []
          : [evidenceOf(attempt, context, versions.map(each => `${each.version} ${each.taken ? 'taken' : 'refused'}`).join(', '))]),
      ],
      next: lookNext('raise-tls-version', 'Let the server speak TLS 1.2 and 1.3', [
        ['On nginx: ssl_protocols TLSv1.2 TLSv1.3; see what it takes:', `openssl s_client -connect ${placeOf(attempt)} -tls1_2`],
      ]),
    };
  }
  if (nameErrors.test(error)) {
    return {
      ...common,
      fault: 'tls-name-unknown',
      title: `The server does not know the name ${tls.serverName ?? context.hop.host}`,
      explanation: `${placeOf(attempt)} refuses the handshake for this server name. The name leads to a server that is not set up for it: a site that was not added, or an address that belongs to someone else by now.`,
      next: lookNext('look-at-names', 'See which names the server is set up for', [
        ['On the server, look for the name in its configuration (server_name, and the certificate that goes with it).', 'nginx -T | grep -n server_name'],
      ]),
    };
  }
  if (error === 'ETIMEDOUT') {
    return {
      ...common,
      fault: 'tls-handshake-timed-out',
      title: 'The connection is taken, and no TLS handshake follows',
      explanation: `${placeOf(attempt)} accepted the connection and did not finish the handshake within ${milliseconds(context.timeoutMs)}: the program behind the port hangs or is out of workers, or large packets are lost on the way.`,
      next: lookNext('look-at-server', 'See what the server behind the port is doing', [
        ['On the host that has this address:', 'badhop', `ss -ltnp 'sport = :${attempt.port}'`],
      ]),
    };
  }
  const isClosed = tls.spoke === 'nothing';
  // An alert comes from the server; any other of OpenSSL's errors is this client's own verdict on what the server sent.
  const isOwnVerdict = error.startsWith('ERR_SSL_') && !error.includes('ALERT');
  return {
    ...common,
    fault: 'tls-handshake-failed',
    key: error,
    title: isClosed ? 'The server closes the connection in the TLS handshake' : `The TLS handshake fails (${plainError(error)})`,
    explanation: isClosed
      ? `${placeOf(attempt)} took the connection and closed it before a single byte of TLS. A balancer with no healthy backend, a filter on the server name, and a port that speaks something else do that.`
      : isOwnVerdict
        ? `This client, as OpenSSL has it by default, refuses what ${placeOf(attempt)} offers: a weak key or cipher, or something that is no proper TLS. Other clients of today do the same.`
        : `${placeOf(attempt)} refuses the handshake: no cipher or curve in common, no certificate for the server name ${tls.serverName ?? '(none sent)'}, or a broken one.`,
    next: lookNext('look-at-handshake', 'See why the server refuses the handshake', [
      [
        'Its error log names the reason; from here, the handshake in full:',
        `openssl s_client -connect ${placeOf(attempt)}${tls.serverName === undefined ? '' : ` -servername ${tls.serverName}`}`,
      ],
    ]),
  };
}

function notTls(attempt: TraceAttempt, tls: TlsObservation, context: ProblemContext): Problem {
  const isHttp = tls.spoke === 'http';
  return {
    fault: isHttp ? 'tls-to-plaintext' : 'protocol-mismatch',
    layer: 'protocol',
    symptomClass: 'tls-wrong-version',
    title: isHttp ? `Port ${attempt.port} speaks plain HTTP, and TLS was asked for` : `Port ${attempt.port} does not speak TLS`,
    explanation: `${placeOf(attempt)} answered the handshake with ${isHttp ? 'an HTTP page' : 'something that is no TLS'}: ${isHttp ? 'the listener lacks its certificate (on nginx: `listen 443` without `ssl`), or the port is the plain one' : 'another service has this port'}.`,
    confidence: 'confirmed',
    evidence: [evidenceOf(attempt, context, saysOf(tls))],
    next: lookNext('look-at-listener', `See what listens on port ${attempt.port}`, [
      ['On the host that has this address:', `ss -ltnp 'sport = :${attempt.port}'`, 'nginx -T | grep -n listen'],
    ]),
  };
}

/** No server name was sent, and with one the server does better: a client has to send it. */
function missingName(attempt: TraceAttempt, tls: TlsObservation, context: ProblemContext): Problem | undefined {
  const named = context.hop.withName;
  if (tls.serverName !== undefined) return undefined;
  if (named === undefined || named.address !== attempt.address || named.tls.handshake !== 'done') {
    return tls.handshake === 'failed' && nameErrors.test(tls.error ?? '') ? nameWanted(attempt, tls, context) : undefined;
  }
  const isBetter = tls.handshake === 'failed' || (tls.nameMatches === false && named.tls.nameMatches === true);
  if (!isBetter) return undefined;
  const name = named.tls.serverName ?? '';
  return {
    fault: 'tls-sni-missing',
    layer: 'tls',
    symptomClass: 'tls-handshake',
    title: 'The server needs a server name in the handshake, and none was sent',
    explanation: `Without a server name (SNI) ${placeOf(attempt)} ${tls.handshake === 'failed' ? 'refuses the handshake' : 'shows the certificate of another site'}; with ${name} it shows the right one. A proxy before it must send the name: on nginx proxy_ssl_server_name on.`,
    confidence: 'confirmed',
    evidence: [evidenceOf(attempt, context, saysOf(tls)), evidenceOf(attempt, context, `server name ${name}: ${named.tls.chain[0]?.subject ?? 'done'}`)],
    next: lookNext('send-server-name', 'Send the server name', [
      [
        'Ask by the name and keep the address, as a client would:',
        `badhop trace https://${name}:${attempt.port}/ --resolve ${name}:${attempt.port}:${attempt.address}`,
      ],
      ['In a proxy before it: proxy_ssl_server_name on; and proxy_ssl_name with this name.'],
    ]),
  };
}

/** The server's own alert says that it is the name; which one it would take is not known. */
function nameWanted(attempt: TraceAttempt, tls: TlsObservation, context: ProblemContext): Problem {
  return {
    fault: 'tls-sni-missing',
    layer: 'tls',
    symptomClass: 'tls-handshake',
    title: 'The server needs a server name in the handshake, and none was sent',
    explanation: `${placeOf(attempt)} ends the handshake with the alert "unrecognized name". ${context.hop.host} is an address, for which no server name is sent; with a name that the server knows it may answer.`,
    confidence: 'likely',
    evidence: [evidenceOf(attempt, context, saysOf(tls))],
    next: lookNext('send-server-name', 'Ask by a name that the server knows', [
      ['By a name, and at this address:', `badhop trace https://NAME:${attempt.port}/ --resolve NAME:${attempt.port}:${attempt.address}`],
    ]),
  };
}

function plainError(error: string): string {
  return error
    .replace(/^ERR_SSL_/, '')
    .replaceAll('_', ' ')
    .toLowerCase();
}

/** Bytes as text, one character each: enough to look for words in ASCII. */
export function textOf(bytes: Uint8Array, limit = 16_384): string {
  let text = '';
  for (const byte of bytes.subarray(0, limit)) text += String.fromCharCode(byte);
  return text;
}
