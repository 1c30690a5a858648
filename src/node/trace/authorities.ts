import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { rootCertificates } from 'node:tls';
import { authorityFiles, isUsableAuthority } from '../probes/authority-files.ts';

/** The authorities by which certificates are judged. */
export interface Authorities {
  /** PEM, as `createSecureContext` takes it. */
  readonly ca: readonly (string | Buffer)[];
  /** Their certificates, read when they are first asked for. */
  certificates(): readonly X509Certificate[];
}

const pemBlock = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED )?CERTIFICATE-----/g;
const maxCertificates = 2000;

/** This machine's authorities, or Node's own where it has none, and the file that was given. */
export async function readAuthorities(given: Buffer | undefined, env: NodeJS.ProcessEnv): Promise<Authorities> {
  const own = (await firstUsable(env['SSL_CERT_FILE'] === undefined ? authorityFiles : [env['SSL_CERT_FILE']])) ?? rootCertificates.join('\n');
  const extraPath = env['NODE_EXTRA_CA_CERTS'];
  const extra = extraPath === undefined || extraPath === '' ? undefined : await firstUsable([extraPath]);
  const ca = [own, ...(extra === undefined ? [] : [extra]), ...(given === undefined ? [] : [given])];
  let read: readonly X509Certificate[] | undefined;
  return { ca, certificates: () => (read ??= ca.flatMap(pem => certificatesIn(pem.toString('latin1')))) };
}

function certificatesIn(pem: string): readonly X509Certificate[] {
  return (pem.match(pemBlock) ?? []).slice(0, maxCertificates).flatMap(block => {
    try {
      return [new X509Certificate(block)];
    } catch {
      return [];
    }
  });
}

async function firstUsable(paths: readonly string[]): Promise<Buffer | undefined> {
  for (const path of paths) {
    const ca = await readFile(path).catch(() => undefined);
    if (ca !== undefined && isUsableAuthority(ca)) return ca;
  }
  return undefined;
}
