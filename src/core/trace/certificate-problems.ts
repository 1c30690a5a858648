import type { Evidence } from '../model/finding.ts';
import type { TlsObservation, TraceAttempt, TraceCertificate } from '../model/trace.ts';
import { lookNext, placeOf, sourceOf, type Problem, type ProblemContext, type ProblemReader } from './problem.ts';

const dayMs = 86_400_000;
/** A certificate is renewed before the last tenth of its life, and none waits for its last two weeks. */
const lastShare = 0.1;
const longestWarningMs = 14 * dayMs;
/** OpenSSL's verdicts that the dates, the name and the anchor explain already. */
const explained = /EXPIRED|NOT_YET_VALID|SELF_SIGNED|UNABLE_TO|HOSTNAME|ALTNAME|^OK$/;

type Part = Pick<Problem, 'fault' | 'title' | 'explanation' | 'next'> &
  Partial<Pick<Problem, 'confidence' | 'isLatent' | 'key'>> & { readonly texts: readonly string[] };

/** Each link of the chain that was sent: its dates, the name, who signed it, and whether it leads to an authority. */
export const certificateProblems: ProblemReader = (attempt, context) => {
  const { tls } = attempt;
  const [leaf] = tls?.chain ?? [];
  if (tls === undefined || leaf === undefined) return [];
  const parts = [...datesOf(tls, context), ...nameOf(tls, leaf, attempt, context), ...trustOf(tls, leaf, attempt), ...verdictOf(tls)];
  return parts.map(({ texts, ...part }) => ({
    layer: 'tls',
    symptomClass: 'tls-verify',
    confidence: 'confirmed',
    evidence: texts.map((text): Evidence => ({ source: sourceOf(attempt, context, 'TLS handshake'), text })),
    ...part,
    ...(context.insecure ? { isLatent: true } : {}),
  }));
};

function datesOf({ chain }: TlsObservation, { nowMs, hop }: ProblemContext): readonly Part[] {
  return chain.flatMap((each, index): readonly Part[] => {
    const [from, to] = [Date.parse(each.validFrom), Date.parse(each.validTo)];
    const which = index === 0 ? 'The certificate' : `A certificate of the chain (${each.subject})`;
    const texts = [`certificate ${index + 1} of ${chain.length}: ${each.subject}, valid from ${day(each.validFrom)} to ${day(each.validTo)}`];
    if (to <= nowMs) {
      return [
        {
          fault: 'tls-certificate-expired',
          key: String(index),
          title: `${which} has expired`,
          explanation: `It was valid until ${each.validTo}, ${ago(nowMs - to)} ago. Browsers, curl and proxies that verify refuse the connection before any request.`,
          texts,
          next: lookNext('renew-certificate', 'Renew the certificate and reload the server', [
            [
              `On the host that ends TLS for ${hop.host}, see why the renewal did not happen, renew, and reload:`,
              'certbot certificates',
              'systemctl list-timers',
              'systemctl reload nginx',
            ],
            ['A certificate that is renewed on disk and still shown expired was not reloaded.'],
          ]),
        },
      ];
    }
    if (from > nowMs) {
      return [
        {
          fault: 'tls-certificate-not-yet-valid',
          key: String(index),
          title: `${which} is not valid yet`,
          explanation: `It is valid from ${each.validFrom} on, which is ${ago(from - nowMs)} ahead by the clock of this machine. Either it was issued for later, or a clock is wrong.`,
          texts,
          next: lookNext('look-at-clock', 'Compare the clocks', [['On this machine and where the certificate was made:', 'timedatectl', 'date -u']]),
        },
      ];
    }
    const warning = Math.min(longestWarningMs, (to - from) * lastShare);
    if (to - nowMs >= warning) return [];
    return [
      {
        fault: 'tls-certificate-expires-soon',
        key: String(index),
        isLatent: true,
        title: `${which} expires in ${ago(to - nowMs)}`,
        explanation: `It is valid until ${each.validTo} and should have been renewed by now.`,
        texts,
        next: lookNext('renew-certificate', 'Renew it before then', [['On the host that ends TLS:', 'certbot certificates', 'systemctl list-timers']]),
      },
    ];
  });
}

function nameOf({ nameMatches, serverName }: TlsObservation, leaf: TraceCertificate, attempt: TraceAttempt, { hop }: ProblemContext): readonly Part[] {
  if (nameMatches !== false) return [];
  const names = leaf.names.length > 0 ? leaf.names.slice(0, 6).join(', ') : leaf.subject;
  const wanted = serverName ?? hop.host;
  return [
    {
      fault: 'tls-name-mismatch',
      title: `The certificate is for another name than ${wanted}`,
      explanation: `${placeOf(attempt)} shows a certificate for ${names}. Clients refuse it for ${wanted}: the name was not added to it, or the server has no site of that name and shows its first one.`,
      texts: [`asked for ${wanted}; ${leaf.subject}, names ${leaf.names.slice(0, 20).join(', ') || 'none'}`],
      next: lookNext('look-at-names', `See which certificate the server has for ${wanted}`, [
        ['On the host that ends TLS:', 'nginx -T | grep -nE "server_name|ssl_certificate"', 'certbot certificates'],
      ]),
    },
  ];
}

function trustOf(tls: TlsObservation, leaf: TraceCertificate, attempt: TraceAttempt): readonly Part[] {
  const { chain, isAnchored, verify = '', nearAuthority } = tls;
  const broken = chain.findIndex(each => each.signedByNext === false);
  const texts = [`${chain.map((each, index) => `${index + 1}: ${each.subject}, issued by ${each.issuer}`).join('; ')} (${verify})`];
  if (isAnchored !== false && /^(?:OK|CERT_|HOSTNAME)/.test(verify)) return [];
  if (isAnchored !== false && !/UNABLE_TO|SELF_SIGNED/.test(verify)) return [];
  const last = chain.at(-1) ?? leaf;
  const urls = last.issuerUrls.join(' ');
  const isIncomplete = !last.selfSigned && (urls !== '' || nearAuthority !== undefined || broken >= 0);
  if (isIncomplete) {
    return [
      {
        fault: 'tls-chain-incomplete',
        // An address where the issuer can be had stands in what public authorities issue; a likeness of names is less.
        confidence: urls !== '' ? 'confirmed' : 'likely',
        title: 'The chain of certificates is incomplete',
        explanation: `${placeOf(attempt)} sends ${chain.length === 1 ? 'its own certificate alone' : `${chain.length} certificates`}, and the one of "${last.issuer}", which has issued the last of them, is missing${broken >= 0 ? ' or stands in the wrong place' : ''}. Browsers often have it stored; curl, proxies and programs refuse the connection.`,
        texts: [...texts, ...(nearAuthority === undefined ? [] : [`trusted here and near it: ${nearAuthority}`])],
        next: lookNext('send-whole-chain', 'Let the server send the whole chain', [
          [
            'The file of ssl_certificate must hold the certificate first and then each issuer (fullchain.pem, not cert.pem). Then reload.',
            ...(urls === '' ? [] : [`curl -sO ${last.issuerUrls[0] ?? ''}`]),
            'systemctl reload nginx',
          ],
        ]),
      },
    ];
  }
  const isOwn = chain.length === 1 && leaf.selfSigned;
  return [
    {
      fault: 'tls-untrusted-issuer',
      title: isOwn ? 'The certificate is signed by itself' : 'The certificate comes from an authority that is not trusted here',
      explanation: `"${isOwn ? leaf.subject : last.issuer}" is no authority of this machine, so clients refuse the certificate${isOwn || last.selfSigned || chain.length > 1 ? '' : '; or the certificate of an authority between is missing from the chain, which cannot be told from here'}. Behind an edge such a certificate may be meant so; in front of people it is not.`,
      texts,
      next: lookNext('trust-or-replace', 'Have it issued by a public authority, or let clients trust this one', [
        ['Where it is your own authority, judge by it:', `badhop trace --cacert ca.pem https://…`],
        [
          'See what is sent:',
          `openssl s_client -showcerts -connect ${placeOf(attempt)}${tls.serverName === undefined ? '' : ` -servername ${tls.serverName}`}`,
        ],
      ]),
    },
  ];
}

/** What OpenSSL holds against the chain beside dates, name and trust: a weak key, a wrong purpose, a path too long. */
function verdictOf({ verify = 'OK', isAnchored }: TlsObservation): readonly Part[] {
  if (explained.test(verify) || isAnchored === false) return [];
  return [
    {
      fault: 'tls-certificate-refused',
      key: verify,
      title: `The certificate is refused (${verify.replaceAll('_', ' ').toLowerCase()})`,
      explanation:
        'Its dates and its name are right and it leads to a trusted authority, and OpenSSL refuses it all the same: a key or signature that is too weak, or a certificate made for another purpose.',
      texts: [verify],
      next: lookNext('reissue-certificate', 'Have the certificate issued anew', [
        ['With a key of at least 2048 bits (RSA) or P-256, signed with SHA-256, for server authentication.'],
      ]),
    },
  ];
}

function day(iso: string): string {
  return iso.slice(0, 10);
}

function ago(ms: number): string {
  if (ms >= 2 * dayMs) return `${Math.floor(ms / dayMs)} days`;
  if (ms >= 2 * 3_600_000) return `${Math.floor(ms / 3_600_000)} hours`;
  return `${Math.max(1, Math.floor(ms / 60_000))} min`;
}
