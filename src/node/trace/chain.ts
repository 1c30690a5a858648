import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { TraceCertificate } from '../../core/model/trace.ts';
import type { Authorities } from './authorities.ts';

const maxChain = 12;
const maxNames = 200;

export interface SentChain {
  readonly certificates: readonly X509Certificate[];
  readonly read: readonly TraceCertificate[];
}

/** The certificates as the server sent them; `issuerCertificate` of Node's is the next that was sent, whoever issued it. */
export function readChain(leaf: X509Certificate | undefined): SentChain {
  const certificates: X509Certificate[] = [];
  for (let each = leaf; each !== undefined && certificates.length < maxChain; each = each.issuerCertificate) certificates.push(each);
  return { certificates, read: certificates.map((each, index) => describe(each, certificates[index + 1])) };
}

function describe(certificate: X509Certificate, next: X509Certificate | undefined): TraceCertificate {
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    names: alternativeNames(certificate),
    validFrom: isoDate(certificate.validFrom),
    validTo: isoDate(certificate.validTo),
    selfSigned: certificate.checkIssued(certificate),
    authority: certificate.ca,
    ...(next === undefined ? {} : { signedByNext: isSignedBy(certificate, next) }),
    issuerUrls: [...(certificate.infoAccess ?? '').matchAll(/^CA Issuers - URI:(.+)$/gm)].map(([, url = '']) => url.slice(0, 300)).slice(0, 4),
    fingerprint: certificate.fingerprint256,
  };
}

/** Whether the signature by the other holds, not only the name. */
function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

/** Whether the chain that was sent leads to an authority here, by names and signatures alone: an expired certificate may still be anchored. */
export function isAnchored(sent: readonly X509Certificate[], authorities: Authorities): boolean {
  const [leaf] = sent;
  if (leaf === undefined) return false;
  const roots = authorities.certificates();
  let at: X509Certificate = leaf;
  for (let step = 0; step < maxChain; step++) {
    const current = at;
    if (roots.some(root => root.fingerprint256 === current.fingerprint256 || isSignedBy(current, root))) return true;
    const next = sent.find(each => each !== current && each.fingerprint256 !== current.fingerprint256 && isSignedBy(current, each));
    if (next === undefined) return false;
    at = next;
  }
  return false;
}

/** An authority here that the last certificate's missing issuer may descend from: of the same organisation, or with the same first word. */
export function nearAuthority(sent: readonly X509Certificate[], authorities: Authorities): string | undefined {
  const last = sent.at(-1);
  if (last === undefined || last.checkIssued(last)) return undefined;
  const missing = last.issuer;
  const organisation = field(missing, 'O');
  const word = /^\w{3,}/.exec(field(missing, 'CN') ?? '')?.[0]?.toLowerCase();
  const near = authorities.certificates().find(root => {
    if (root.subject === missing) return false;
    if (organisation !== undefined && field(root.subject, 'O') === organisation) return true;
    return word !== undefined && !/^(?:ca|root|intermediate|global)$/.test(word) && field(root.subject, 'CN')?.toLowerCase().startsWith(word) === true;
  });
  return near === undefined ? undefined : oneLine(near.subject);
}

export function judgeName(leaf: X509Certificate, name: string): boolean {
  if (isIP(name) !== 0) return leaf.checkIP(name) !== undefined;
  return leaf.checkHost(name.replace(/\.$/, ''), { subject: 'default' }) !== undefined;
}

function alternativeNames(certificate: X509Certificate): readonly string[] {
  const text = certificate.subjectAltName ?? '';
  return text === ''
    ? []
    : text
        .split(', ')
        .slice(0, maxNames)
        .map(name => name.replace(/^(?:DNS|IP Address):/, '').slice(0, 300));
}

function field(name: string, key: string): string | undefined {
  return name
    .split('\n')
    .find(part => part.startsWith(`${key}=`))
    ?.slice(key.length + 1);
}

function oneLine(name: string): string {
  return name.replaceAll('\n', ', ').slice(0, 512);
}

function isoDate(text: string): string {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? text : new Date(ms).toISOString();
}
