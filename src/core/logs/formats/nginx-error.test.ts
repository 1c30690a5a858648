import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseErrorRecord } from '../../parsers/nginx-error-log.ts';
import { messagePatterns } from '../../parsers/nginx-messages-table.ts';
import { nginxErrorFormat, nginxErrorFormats } from './nginx-error.ts';
import { fieldsOf, outcomeOf, rollUpOf, seriesOf } from './testing.ts';

interface Case {
  readonly error_log: readonly string[];
}
const cases = JSON.parse(readFileSync(new URL('../../parsers/nginx-error-log.fixtures/nginx-1.22.1.json', import.meta.url), 'utf8')) as readonly Case[];
const lines = [...new Set(cases.flatMap(one => one.error_log))];
const refused =
  '2026/11/21 01:55:14 [error] 27537#27537: *4 connect() failed (111: Connection refused) while connecting to upstream, client: 127.0.0.1, server: bench.example, request: "GET /refused6 HTTP/1.1", upstream: "http://[::1]:18098/refused6", host: "bench.example"';

describe('the error log of nginx', () => {
  it('reads a record', () => {
    expect(fieldsOf(nginxErrorFormat, refused)).toEqual({
      level: 'error',
      message: '*4 connect() failed (111: Connection refused) while connecting to upstream',
      client: '127.0.0.1',
      server: 'bench.example',
      request: 'GET /refused6 HTTP/1.1',
      peer: 'http://[::1]:18098/refused6',
    });
    expect(seriesOf(nginxErrorFormat, refused)).toEqual({
      at: '2026-11-21T01:55:14.000Z',
      seconds: 0,
      outcome: {
        status: 0,
        failed: true,
        madeBy: 'nginx',
        class: 'connect-refused',
        level: 'error',
        message: 'connect() failed (111: Connection refused) while connecting to upstream',
        peer: '[::1]:18098',
        server: 'bench.example',
        method: 'GET',
      },
    });
  });

  it('gives every captured message the class that a diagnosis gives it', () => {
    const differing = lines.flatMap(line => {
      const [first = ''] = line.split('\n');
      const record = parseErrorRecord(first, { timeOf: () => 0, source: { path: '', offset: 0 } });
      const outcome = outcomeOf(nginxErrorFormat, first);
      // How a worker left is a number, and numbers are taken out.
      if (record === undefined || /exited with code/u.test(first)) return [];
      return outcome?.class === record.class ? [] : [`${outcome?.class} is no ${record.class}: ${first}`];
    });
    expect(lines.length).toBeGreaterThan(180);
    expect(differing).toEqual([]);
  });

  it('names the same peers as a diagnosis', () => {
    const differing = lines.flatMap(line => {
      const [first = ''] = line.split('\n');
      const record = parseErrorRecord(first, { timeOf: () => 0, source: { path: '', offset: 0 } });
      const outcome = outcomeOf(nginxErrorFormat, first);
      // Without a tail the peer stands in the text of the message, whose numbers are taken out.
      if (record?.peer === undefined || !first.includes(', upstream: "') || outcome?.class === 'client') return [];
      return outcome?.peer === record.peer ? [] : [`${outcome?.peer} is not ${record.peer}: ${first}`];
    });
    expect(differing).toEqual([]);
  });

  it('knows a message of each kind also without its numbers and quoted words', () => {
    const records = messagePatterns.map(([id, pattern], index) => {
      const text = pattern.replaceAll('{*}', 'x').replaceAll('{#}', '12').replaceAll('{w}', 'x');
      const full = `2026/11/21 01:55:14 [error] 1#1: *4 ${text} (104: Connection reset by peer) while reading response header from upstream, client: 1.2.3.4, server: s${index}, request: "GET / HTTP/1.1", upstream: "http://1.2.3.4:80/"`;
      return { id, full, expected: parseErrorRecord(full, { timeOf: () => 0, source: { path: '', offset: 0 } })?.class };
    });
    // The names of the servers keep them apart.
    const { series } = rollUpOf(records.map(({ full }) => full).join('\n'), nginxErrorFormats);
    const classes = new Map(series.map(({ outcome }) => [outcome?.server, outcome?.class]));
    expect(classes.size).toBe(records.length);
    const lost = records.flatMap(({ id, expected }, index) => {
      const found = classes.get(`s${index}`);
      return found === expected || id === 'worker-exit' ? [] : [`${id}: ${found} is no ${expected}`];
    });
    expect(lost).toEqual([]);
  });

  it('counts records together that differ in what the client sent', () => {
    const of = (n: number) =>
      `2026/11/21 01:55:1${n} [error] 2753${n}#0: *${n}4 open() "/var/www/${n}.html" failed (2: No such file or directory), client: 10.0.0.${n}, server: a, request: "GET /${n} HTTP/1.1", host: "h${n}"`;
    expect(rollUpOf([1, 2, 3].map(of).join('\n'), nginxErrorFormats).series.map(({ count, outcome }) => [count, outcome?.class, outcome?.failed])).toEqual([
      [3, 'notice', false],
    ]);
  });

  it('reads records that end early, and no upstream that is cut', () => {
    const handshake =
      '2026/11/21 01:55:14 [crit] 1#1: *4 SSL_do_handshake() failed (SSL: error:0A00006C:SSL routines::bad key share) while SSL handshaking, client: 10.0.0.9, server: 0.0.0.0:443';
    expect(outcomeOf(nginxErrorFormat, handshake)).toMatchObject({ class: 'client', failed: false, server: '0.0.0.0:443' });
    expect(outcomeOf(nginxErrorFormat, handshake.replace(', server: 0.0.0.0:443', ''))).toMatchObject({ failed: false });
    const cut = refused.slice(0, refused.indexOf(':18098/refused6", host'));
    expect(outcomeOf(nginxErrorFormat, cut)).toBeUndefined();
    expect(outcomeOf(nginxErrorFormats[1], cut)).toEqual({ ...outcomeOf(nginxErrorFormat, refused), peer: undefined });
    expect(rollUpOf(`${refused}\n${cut}`, nginxErrorFormats).inputs[0]).toMatchObject({ continued: 0, misfits: 0 });
  });

  it('does not believe a peer that a referrer names', () => {
    const line =
      '2026/11/21 01:55:14 [error] 1#1: *4 limiting requests, excess: 5.1 by zone "a", client: 1.2.3.4, server: a, request: "GET / HTTP/1.1", host: "a", referrer: "x", upstream: "http://10.9.9.9:80/"';
    expect(outcomeOf(nginxErrorFormat, line)).toMatchObject({ class: 'rate-limited', failed: false });
    expect(outcomeOf(nginxErrorFormat, line)).not.toHaveProperty('peer');
  });

  it('tells a failure of a client from one of a backend', () => {
    const line =
      '2026/11/21 01:55:14 [info] 1#1: *4 writev() failed (104: Connection reset by peer) while sending to client, client: 1.2.3.4, server: a, request: "GET / HTTP/1.1", upstream: "http://10.0.0.1:80/"';
    expect(outcomeOf(nginxErrorFormat, line)).toMatchObject({ class: 'client', failed: false, madeBy: 'client' });
  });

  it('takes lines that follow for the message before them', () => {
    const text = `${refused}\nPHP message: line two\n#0 {main}\n${refused}`;
    expect(rollUpOf(text, nginxErrorFormats).inputs[0]).toMatchObject({ continued: 2, misfits: 0, lines: 4 });
  });

  it('reads any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (message, more) => {
        rollUpOf(`2026/11/21 01:55:14 [error] 1#1: *4 ${message}, client: 1, server: , request: "${more}`, nginxErrorFormats);
        nginxErrorFormat.outcome({ message, level: more, peer: more, request: message });
      }),
      { numRuns: 50 },
    );
  });
});
