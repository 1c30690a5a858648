import type { LabHost } from '../host.ts';

export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate authority of the host's own; its files are returned. */
export async function certificateAuthority(host: LabHost, { folder = '/etc/ssl/lab', name = 'Lab CA' } = {}): Promise<Certificate> {
  const ca = { certificate: `${folder}/ca.crt`, key: `${folder}/ca.key` };
  await host.shell(
    `mkdir -p "$1"
     openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=$2" -keyout "$3" -out "$4" 2>/dev/null`,
    [folder, name, ca.key, ca.certificate],
  );
  return ca;
}

export interface LeafOptions {
  readonly file: string;
  /** Names (or IP addresses) that it is valid for; the first is its subject. */
  readonly names: readonly string[];
  /** Start and end relative to now; an expired one ends before 0. */
  readonly fromDays?: number;
  readonly toDays?: number;
  /** Without a CA it signs itself. */
  readonly ca?: Certificate;
  readonly folder?: string;
}

/** A server (or client) certificate. */
export async function certificate(host: LabHost, options: LeafOptions): Promise<Certificate> {
  const { file, names, fromDays = -1, toDays = 365, ca, folder = '/etc/ssl/lab' } = options;
  const leaf = { certificate: `${folder}/${file}.crt`, key: `${folder}/${file}.key` };
  const alternatives = names.map(name => (/^[\d.]+$|:/.test(name) ? `IP:${name}` : `DNS:${name}`)).join(',');
  const stamp = (days: number): string => `${new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 19).replace(/[-T:]/g, '')}Z`;
  // \`openssl ca\` alone can set both dates in OpenSSL 3.0.
  await host.shell(
    `mkdir -p "$1"; work=$(mktemp -d); cd "$work"
     openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$2" -keyout "$4" -out request.csr 2>/dev/null
     : > index.txt; mkdir new
     printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=index.txt\\nnew_certs_dir=new\\nrand_serial=yes\\ndefault_md=sha256\\npolicy=p\\nx509_extensions=e\\n[p]\\ncommonName=supplied\\n[e]\\nsubjectAltName=%s\\n' "$3" > ca.cnf
     if [ -n "$8" ]; then set -- "$@" -cert "$8" -keyfile "$9"; else set -- "$@" -selfsign -keyfile "$4"; fi
     out=$5 from=$6 to=$7; shift 9
     openssl ca -batch -notext -config ca.cnf -in request.csr -out "$out" -startdate "$from" -enddate "$to" "$@" 2>/dev/null
     cd /; rm -rf "$work"`,
    [folder, names[0] ?? 'localhost', alternatives, leaf.key, leaf.certificate, stamp(fromDays), stamp(toDays), ca?.certificate ?? '', ca?.key ?? ''],
  );
  return leaf;
}
