import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseProxyStatus } from './proxy-status.ts';

describe('the Proxy-Status field', () => {
  it('is read as RFC 9209 shows it', () => {
    expect(parseProxyStatus(['r34.example.net; error=http_request_error, ExampleCDN; next-hop=backend.example.org:8001; next-protocol=h2'])).toEqual([
      { proxy: 'r34.example.net', error: 'http_request_error', isRegistered: true },
      { proxy: 'ExampleCDN', isRegistered: false, nextHop: 'backend.example.org:8001', nextProtocol: 'h2' },
    ]);
  });

  it('keeps strings with commas, semicolons and escapes whole', () => {
    expect(parseProxyStatus([String.raw`"edge, one"; error=destination_unavailable; received-status=503; details="a; \"b\", c"`])).toEqual([
      { proxy: 'edge, one', error: 'destination_unavailable', isRegistered: true, receivedStatus: 503, details: 'a; "b", c' },
    ]);
  });

  it('takes several fields as one list, and an error of nobody for what it is', () => {
    expect(parseProxyStatus(['a; error=tls_protocol_error', 'b; error=my_own; flag'])).toEqual([
      { proxy: 'a', error: 'tls_protocol_error', isRegistered: true },
      { proxy: 'b', error: 'my_own', isRegistered: false },
    ]);
  });

  it('returns what stands before a broken end', () => {
    expect(parseProxyStatus(['a; error=dns_error, "never ended'])).toEqual([{ proxy: 'a', error: 'dns_error', isRegistered: true }]);
    expect(parseProxyStatus(['', ' , ;'])).toEqual([]);
  });

  it('never throws, and reads a long field in bounded time', () => {
    fc.assert(fc.property(fc.array(fc.string({ unit: 'binary' })), fields => Array.isArray(parseProxyStatus(fields))));
    expect(parseProxyStatus(['a;x="'.repeat(100_000)]).length).toBeLessThanOrEqual(32);
  });
});
