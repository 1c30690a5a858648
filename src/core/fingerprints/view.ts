import type { ResponseEvidence } from '../model/fingerprint.ts';
import { latin1FromBytes } from '../parsers/latin1.ts';

/** Error pages are small; what comes after this is no mark of any product. */
const mostBodyBytes = 65_536;
const mostFields = 256;
const mostValue = 4096;

export interface Field {
  /** In lower case, for comparing. */
  readonly name: string;
  /** As it came. */
  readonly written: string;
  readonly value: string;
}

/** An answer, cut to what is looked at and put so that marks are found in it quickly. */
export interface View {
  readonly status: number;
  readonly reason: string;
  /** Field names are as the server wrote them, and there is a reason; both are lost under HTTP/2 and 3. */
  readonly isHttp1: boolean;
  readonly fields: readonly Field[];
  /** Latin-1, as literals of pages are ASCII. */
  readonly body: string;
  /** The body was asked for and read to its end, so that its absence means something. */
  readonly isWhole: boolean;
  readonly cookies: readonly string[];
  readonly names: readonly string[];
  /** Names and issuer of the certificate. */
  readonly certificate: readonly string[];
}

export function viewOf(evidence: ResponseEvidence): View {
  const fields = evidence.headers
    .slice(0, mostFields)
    .map(([name, value]) => ({ name: name.slice(0, mostValue).toLowerCase(), written: name.slice(0, mostValue), value: value.slice(0, mostValue) }));
  const bytes = evidence.body.subarray(0, mostBodyBytes);
  return {
    status: evidence.status,
    reason: evidence.reason.slice(0, mostValue),
    isHttp1: evidence.protocol === 'http/1.0' || evidence.protocol === 'http/1.1',
    fields,
    body: latin1FromBytes(bytes),
    isWhole: evidence.method !== 'HEAD' && evidence.bodyBytes !== undefined && evidence.bodyBytes === bytes.length,
    cookies: fields.flatMap(({ name, value }) => (name === 'set-cookie' ? [(value.split('=', 1)[0] ?? '').trim()] : [])),
    names: (evidence.names ?? []).slice(0, 32).map(name => name.slice(0, mostValue).toLowerCase().replace(/\.$/, '')),
    certificate: [...(evidence.tls?.subjects ?? []).slice(0, 64), evidence.tls?.issuer ?? ''].filter(Boolean).map(name => name.slice(0, mostValue)),
  };
}

/** Values of a field, in their order. */
export function valuesOf(view: View, name: string): string[] {
  return view.fields.flatMap(field => (field.name === name ? [field.value] : []));
}

export function valueOf(view: View, name: string): string | undefined {
  return view.fields.find(field => field.name === name)?.value;
}

/** Where a field stands; -1 where it is not there. */
export function placeOf(view: View, name: string): number {
  return view.fields.findIndex(field => field.name === name);
}

/** Nothing came, and nothing was lost on the way. */
export function isEmpty(view: View): boolean {
  return view.isWhole && view.body === '';
}
