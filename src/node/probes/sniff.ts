import type { WireProtocol } from '../../core/model/probe.ts';

/**
 * The protocol that the first bytes of a peer belong to, whatever it was asked in. FastCGI 1.0 §8, RFC 8446 §5.1,
 * RFC 9113 §4.1, AJP 1.3; uwsgi answers carry plain HTTP, so `uwsgi` is never told by bytes alone.
 */
export function sniff(bytes: Uint8Array): WireProtocol {
  if (isHttp(bytes)) return 'http';
  if (isTls(bytes)) return 'tls';
  if (isFastcgi(bytes)) return 'fastcgi';
  if (isHttp2(bytes)) return 'http2';
  return isAjp(bytes) ? 'ajp' : 'other';
}

/** `HTTP/1.1 200`; a shorter beginning of it counts too, as a peer can be cut there. */
function isHttp(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.subarray(0, 12)).toString('latin1');
  return /^HTTP\/[0-9](?:\.[0-9])? [1-9][0-9]{2}$/.test(head.slice(0, 12)) || /^HTTP\/[0-9] [1-9][0-9]{2}/.test(head);
}

/** A record: type 20 to 23, version 3.0 to 3.4, and a length that a record may have. */
function isTls(bytes: Uint8Array): boolean {
  const [type = 0, major, minor = 255, high = 255, low = 0] = bytes;
  const length = high * 256 + low;
  return bytes.length >= 5 && type >= 20 && type <= 23 && major === 3 && minor <= 4 && length > 0 && length <= 16_384 + 2048;
}

/** A record that an application sends: version 1 and END_REQUEST, STDOUT, STDERR, GET_VALUES_RESULT or UNKNOWN_TYPE. */
function isFastcgi(bytes: Uint8Array): boolean {
  const [version, type = 0, idHigh = 255, idLow = 0] = bytes;
  if (bytes.length < 8 || version !== 1) return false;
  const id = idHigh * 256 + idLow;
  if (type === 3 || type === 6 || type === 7) return id === 1;
  return (type === 10 || type === 11) && id === 0;
}

/** A server's first frame is SETTINGS on stream 0: six bytes a setting; or the client's preface. */
function isHttp2(bytes: Uint8Array): boolean {
  if (Buffer.from(bytes.subarray(0, 14)).toString('latin1') === 'PRI * HTTP/2.0') return true;
  const [high, middle = 0, low = 0, type, flags, a, b, c, d] = bytes;
  const length = middle * 256 + low;
  return bytes.length >= 9 && high === 0 && type === 4 && flags === 0 && a === 0 && b === 0 && c === 0 && d === 0 && length % 6 === 0 && length <= 16_384;
}

/** A packet of a container: `AB`, its length, and one of the five kinds that a container sends. */
function isAjp(bytes: Uint8Array): boolean {
  const [first, second, high = 0, low = 0, kind = 0] = bytes;
  const length = high * 256 + low;
  return bytes.length >= 5 && first === 0x41 && second === 0x42 && length > 0 && length <= 65_532 && ((kind >= 3 && kind <= 6) || kind === 9);
}

/** The first bytes as text for evidence: one character a byte, at most 512. */
export function headOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, 512)).toString('latin1');
}
