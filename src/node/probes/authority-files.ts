import { createSecureContext } from 'node:tls';

/** Where the authorities of a machine stand: Debian, Red Hat, SUSE, Alpine and FreeBSD, each as its OpenSSL packages it. */
export const authorityFiles: readonly string[] = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** Whether OpenSSL takes this as a list of authorities. */
export function isUsableAuthority(ca: Buffer): boolean {
  if (!ca.includes('-----BEGIN ')) return false;
  try {
    createSecureContext({ ca });
    return true;
  } catch {
    return false;
  }
}
