import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import type { ProbeOutcome } from '../../model/probe.ts';
import { address, detections, processOf, routeOf, symptomOf, without } from '../backend/testing.ts';
import { asked, failedTls, hop, reset, says, silent } from './testing.ts';
import protocolMismatch from './protocol-mismatch.ts';

const mismatch = protocolMismatch as unknown as Fault;
describe('protocol-mismatch fires', () => {
  it.each([
    ['HTTP to php-fpm', 'proxy', 'http', reset, 'fastcgi', says('fastcgi'), 'FastCGI'],
    ['HTTP to uWSGI', 'proxy', 'http', { state: 'closed', how: 'end' }, 'uwsgi', says('uwsgi'), 'uwsgi'],
    ['HTTP to an AJP port', 'proxy', 'http', reset, 'ajp', says('ajp'), 'AJP'],
    ['FastCGI to gunicorn, which stays silent', 'fastcgi', 'fastcgi', silent, 'http', says('http'), 'HTTP'],
    ['uwsgi to Node, which answers 400', 'uwsgi', 'uwsgi', says('http'), 'http', says('http'), 'HTTP'],
    ['uwsgi to php-fpm', 'uwsgi', 'uwsgi', reset, 'fastcgi', says('fastcgi'), 'FastCGI'],
    ['SCGI to a server of HTTP', 'scgi', 'connect', { state: 'connected' }, 'http', says('http'), 'HTTP'],
  ] as const)('%s', (_name, pass, own, failed, other, answered, spoken) => {
    const found = detections(mismatch, { hops: [hop({ routes: [routeOf({ pass })], probes: [asked(own, failed), asked(other, answered)] })] });
    expect(found).toMatchObject([{ confidence: 'confirmed', status: 'active', symptoms: [`reset@${address}`], fixData: { spoken } }]);
  });

  it.each([
    ['SSH-2.0-OpenSSH_9.2p1 Debian-2', 'SSH'],
    ["-ERR wrong number of arguments for 'get' command\r\n", 'Redis'],
    ['J\0\0\0\n8.0.36\0', 'MySQL'],
    ['220 mail.example ESMTP Postfix\r\n', 'SMTP'],
  ])('where the port is of something else: %j', (head, spoken) => {
    const found = detections(mismatch, { hops: [without(hop({ probes: [asked('http', says('other', head))] }), 'service', 'master')] });
    expect(found).toMatchObject([{ confidence: 'confirmed', fixData: { spoken } }]);
  });

  it('as likely where a database closes without a word', () => {
    const found = detections(mismatch, {
      hops: [hop({ probes: [asked('http', { state: 'closed', how: 'end' })], master: processOf(100, { comm: 'postgres' }) })],
    });
    expect(found).toMatchObject([{ confidence: 'likely', messageId: 'configured', fixData: { spoken: 'PostgreSQL' } }]);
  });

  it('as likely where all workers wait and the program is known', () => {
    const found = detections(mismatch, {
      hops: [hop({ routes: [routeOf({ pass: 'fastcgi' })], probes: [asked('fastcgi', silent), asked('http', silent)], symptoms: [symptomOf('read-timeout')] })],
    });
    expect(found).toMatchObject([{ confidence: 'likely', fixData: { spoken: 'HTTP' } }]);
  });
});

describe('protocol-mismatch is silent', () => {
  it('where an application behind uWSGI refuses the page in the words of a server', () => {
    const probes = [asked('uwsgi', says('http')), asked('http', { state: 'closed', how: 'end' })];
    expect(detections(mismatch, { hops: [hop({ routes: [routeOf({ pass: 'uwsgi' })], probes })] })).toEqual([]);
  });

  it('where the peer answers as it is asked, whatever resets its connections', () => {
    expect(detections(mismatch, { hops: [hop({ probes: [asked('http', says('http'))] })] })).toEqual([]);
  });

  it('where nothing answers: the backend hangs', () => {
    expect(detections(mismatch, { hops: [hop({ probes: [asked('http', silent), asked('fastcgi', silent)] })] })).toEqual([]);
  });

  it('where garbage comes that is no protocol', () => {
    expect(detections(mismatch, { hops: [hop({ probes: [asked('http', says('other', '\0\u0001\u0002 this is no HTTP'))] })] })).toEqual([]);
  });

  it('where only the TLS is wrong', () => {
    expect(detections(mismatch, { hops: [hop({ routes: [routeOf({ tls: true })], probes: [asked('tls', failedTls), asked('http', says('http'))] })] })).toEqual(
      [],
    );
  });

  it('where nobody listens', () => {
    const refused: ProbeOutcome = { state: 'connect-failed', code: 'ECONNREFUSED' };
    expect(detections(mismatch, { hops: [hop({ routes: [routeOf({ pass: 'fastcgi' })], probes: [asked('fastcgi', refused)] })] })).toEqual([]);
  });
});
