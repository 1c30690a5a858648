import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import type { Setting } from '../../model/facts/nginx.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { ProbeRequest, ProbeResult, TlsAnswer } from '../../model/probe.ts';
import { address, detections, hopOf, routeOf, symptomOf } from '../backend/testing.ts';
import clientCertificate from './tls-client-certificate-required.ts';
import expired from './tls-certificate-expired.ts';
import nameMismatch from './tls-name-mismatch.ts';
import protocolMismatch from './tls-protocol-mismatch.ts';
import sniMissing from './tls-sni-missing.ts';
import untrusted from './tls-untrusted-issuer.ts';

const faults = [clientCertificate, expired, nameMismatch, protocolMismatch, sniMissing, untrusted].map(fault => fault as unknown as Fault);
type TlsQuestion = Extract<ProbeRequest, { kind: 'tls' }>;

function shake(question: Partial<TlsQuestion>, tls: Partial<TlsAnswer>, status?: number): ProbeResult {
  const request: TlsQuestion = { kind: 'tls', address: { kind: 'tcp', host: '127.0.0.1', port: 8017 }, ...question };
  const answer = { complete: true, tls: { handshake: 'done', verify: 'OK', ...tls } as const, ...(status === undefined ? {} : { status }) };
  return { request, outcome: { state: 'answered', speaks: 'tls', answer }, connectMs: 1, ms: 4 };
}

function setting(name: string, value: string): Setting {
  return { directive: `proxy_${name}`, args: value.split(' '), origin: { kind: 'file', path: '/etc/nginx/a.conf', line: 4 } };
}

function logged(kind: 'tls-handshake' | 'tls-verify' | 'tls-other', message: string): Symptom {
  const symptom = symptomOf(kind);
  const [group] = symptom.errorGroups;
  if (group === undefined) return symptom;
  const samples = group.samples.map(sample => ({ ...sample, message, text: message }));
  return { ...symptom, errorGroups: [{ ...group, samples }] };
}

/** Which faults are found, how sure: `tls-sni-missing confirmed`. */
function found(probes: readonly ProbeResult[], symptoms: readonly Symptom[], settings: Record<string, Setting> = {}): string[] {
  const hop = hopOf({ routes: [routeOf({ tls: true, target: `https://${address}`, settings })], probes, symptoms });
  return faults.flatMap(fault => detections(fault, { hops: [hop] }).map(one => `${fault.meta.id} ${one.confidence} ${one.status}`));
}

const alert40 = { handshake: 'failed', error: 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE' } as const;
const alert70 = { handshake: 'failed', error: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' } as const;
const refused = [logged('tls-handshake', 'SSL_do_handshake() failed (SSL: error:0A000410:SSL routines::sslv3 alert handshake failure:SSL alert number 40)')];
const verify = { ssl_verify: setting('ssl_verify', 'on'), ssl_trusted_certificate: setting('ssl_trusted_certificate', '/ca.crt') };
const judged = { caFile: '/ca.crt', verifyName: 'shop.test' };

describe('alert 40 has three causes, and one is found of each', () => {
  it('a missing name', () => {
    const probes = [
      shake({ version: 'TLSv1.2' }, alert40),
      shake({}, alert40),
      shake({ serverName: 'shop.test' }, {}),
      shake({ serverName: 'shop.test', version: 'TLSv1.2' }, {}),
    ];
    expect(found(probes, refused)).toEqual(['tls-sni-missing confirmed active']);
  });

  it('a version', () => {
    const probes = [
      shake({ version: 'TLSv1.2' }, alert70),
      shake({}, {}),
      shake({ serverName: 'shop.test' }, {}),
      shake({ version: 'TLSv1.2', serverName: 'shop.test' }, alert70),
      shake({ version: 'TLSv1.3' }, {}),
    ];
    expect(found(probes, refused)).toEqual(['tls-protocol-mismatch confirmed active']);
  });

  it('a client certificate', () => {
    const asked = { ...alert40, clientCertificateRequested: true };
    const probes = [shake({ version: 'TLSv1.2' }, asked), shake({}, asked), shake({ serverName: 'shop.test' }, asked), shake({ version: 'TLSv1.3' }, alert70)];
    expect(found(probes, refused)).toEqual(['tls-client-certificate-required confirmed active']);
  });

  it('or none of these that can be seen', () => {
    expect(found([shake({}, alert40), shake({ serverName: 'shop.test' }, alert40)], refused)).toEqual([]);
  });
});

describe('a chain that nginx refuses and that its file leads to', () => {
  const lines = [logged('tls-verify', 'upstream SSL certificate verify error: (21:unable to verify the first certificate)')];

  it('is no more than possibly the issuer, as nginx may have read the file before', () => {
    expect(found([shake(judged, {})], lines, verify)).toEqual(['tls-untrusted-issuer possible active']);
  });

  it('stays likely where it has stopped, or where nobody judged it', () => {
    expect(
      found(
        [shake(judged, {})],
        lines.map(line => ({ ...line, ongoing: false })),
        verify,
      ),
    ).toEqual(['tls-untrusted-issuer likely past']);
    expect(found([], lines, verify)).toEqual(['tls-untrusted-issuer likely active']);
  });
});

describe('client certificates', () => {
  it('are wanted after the handshake of TLS 1.3, and in the page of nginx', () => {
    const late = { error: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', clientCertificateRequested: true };
    expect(found([shake({ path: '/' }, late)], [])).toEqual(['tls-client-certificate-required confirmed active']);
    expect(found([shake({ path: '/' }, { clientCertificateRequested: true }, 400)], [])).toEqual(['tls-client-certificate-required confirmed active']);
  });

  it('are asked for in vain where the server goes on', () => {
    expect(found([shake({ path: '/' }, { clientCertificateRequested: true }, 200)], [])).toEqual([]);
  });

  it('are only likely the reason where nginx has one', () => {
    const own = { ssl_certificate: setting('ssl_certificate', '/c.crt') };
    const asked = { ...alert40, clientCertificateRequested: true };
    expect(found([shake({}, asked)], refused, own)).toEqual(['tls-client-certificate-required likely active']);
    expect(found([shake({}, asked)], [], own)).toEqual([]);
  });
});

describe('certificates', () => {
  const past = { verify: 'CERT_HAS_EXPIRED', validTo: '2026-11-01T00:00:00.000Z', validFrom: '2026-01-01T00:00:00.000Z' };

  it.each([
    ['expired', past, '(10:certificate has expired)', 'tls-certificate-expired confirmed active'],
    [
      'of another name',
      { verify: 'HOSTNAME_MISMATCH', names: ['other.test'] },
      'upstream SSL certificate does not match "shop.test"',
      'tls-name-mismatch confirmed active',
    ],
    ['signed by itself', { verify: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, '(18:self-signed certificate)', 'tls-untrusted-issuer confirmed active'],
    [
      'of an unknown issuer',
      { verify: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
      '(20:unable to get local issuer certificate)',
      'tls-untrusted-issuer confirmed active',
    ],
  ])('%s', (_name, tls, message, expected) => {
    expect(found([shake(judged, tls)], [logged('tls-verify', message)], verify)).toEqual([expected]);
    expect(found([shake({}, tls)], []), 'nobody verifies it').toEqual([]);
    expect(found([], [logged('tls-verify', message)], verify).map(one => one.split(' ')[1])).toEqual(['likely']);
  });

  it('are wrong only because no name was sent', () => {
    const probes = [shake(judged, { verify: 'HOSTNAME_MISMATCH', names: ['default.test'] }), shake({ serverName: 'shop.test', caFile: '/ca.crt' }, {})];
    expect(found(probes, [logged('tls-verify', 'upstream SSL certificate does not match "shop.test"')], verify)).toContain('tls-sni-missing confirmed active');
  });

  it('may be wrong for the lack of a name, where nobody was asked', () => {
    const line = [logged('tls-verify', 'upstream SSL certificate does not match "shop.test"')];
    expect(found([], line, { ...verify, ssl_server_name: setting('ssl_server_name', 'off') })).toEqual(['tls-name-mismatch possible active']);
    expect(found([], line, { ...verify, ssl_server_name: setting('ssl_server_name', 'on') })).toEqual(['tls-name-mismatch likely active']);
  });

  it('were renewed', () => {
    const symptom = { ...logged('tls-verify', '(10:certificate has expired)'), ongoing: false };
    expect(found([shake(judged, { validTo: '2027-11-01T00:00:00.000Z' })], [symptom], verify)).toEqual(['tls-certificate-expired likely past']);
  });
});
