import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apacheFormat, isApacheFormat, parseApacheLogFormats } from './apache-format.ts';
import { knownFormats } from './named.ts';
import { fieldsOf, idsIn, outcomeOf, rollUpOf, seriesOf } from './testing.ts';

const linesOf = (name: string): readonly string[] =>
  readFileSync(new URL(`products.fixtures/${name}.txt`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');

const config = String.raw`
LogFormat "%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"" vhost_combined
LogFormat "%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\" %D" timed
<VirtualHost *:80>
  CustomLog ${'$'}{APACHE_LOG_DIR}/own.log "%{%Y-%m-%dT%H:%M:%S%z}t %a %m %U%q %H %>s %{ms}T %{balancer-worker-name}e \"%{X-Id}i\""
  CustomLog logs/access.log combined
</VirtualHost>
`;

describe('the text of a LogFormat', () => {
  it.each([
    ['apache-vhost-combined-2.4', String.raw`%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"`],
    ['apache-combined-d-2.4', '%h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i" %D'],
    ['apache-common-2.4', '%h %l %u %t "%r" %>s %b'],
    ['tomcat-access-d-10.1', '%h %l %u %t "%r" %s %b %D'],
  ])('reads every line that Apache or Tomcat wrote: %s', (name, text) => {
    const rollUp = rollUpOf(linesOf(name).join('\n'), [apacheFormat('x', text)]);
    expect(rollUp.inputs[0]).toMatchObject({ misfits: 0, lines: linesOf(name).length });
  });

  it('knows the fields by their letters, with units and times of several kinds', () => {
    const [, , own] = parseApacheLogFormats(config);
    const line = '2026-11-21T14:02:07+0000 203.0.113.9 POST /export/7?a=1 HTTP/1.1 502 1204 http://127.0.0.1:8080 "a \\"b\\""';
    expect(fieldsOf(own, line)).toMatchObject({ client: '203.0.113.9', uri: '/export/7?a=1', status: '502', protocol: 'HTTP/1.1' });
    expect(seriesOf(own, line)).toMatchObject({ at: '2026-11-21T14:02:07.000Z', seconds: 1.204 });
    expect(outcomeOf(own, line)).toEqual({
      status: 502,
      failed: true,
      madeBy: 'unknown',
      because: 'the log format does not say whether Apache or the backend made the answer',
      method: 'POST',
      peer: '127.0.0.1:8080',
    });
    expect(seriesOf(apacheFormat('e', '%{msec}t %>s'), '1795226114123 200')?.at).toBe('2026-11-21T01:55:14.123Z');
    expect(fieldsOf(apacheFormat('r', '%h %r %>s %% %I'), '::1 GET /x HTTP/1.0 200 % 12')).toMatchObject({ method: 'GET', uri: '/x', received: '12' });
  });

  it.each([
    ['[%{%d/%b/%Y %T}t.%{msec_frac}t %{%z}t] %h %>s', '[21/Nov/2026 14:02:07.123 +0200] 203.0.113.9 200', '2026-11-21T12:02:07.123Z'],
    ['%{%d/%b/%Y:%H:%M:%S %z}t %h %>s', '21/Nov/2026:14:02:07 -0100 203.0.113.9 200', '2026-11-21T15:02:07.000Z'],
    ['%{begin:%Y-%m-%d %T}t %h %>s', '2026-11-21 14:02:07 203.0.113.9 200', '2026-11-21T14:02:07.000Z'],
    ['%{%FT%T}t.%{usec_frac}t %h %>s', '2026-11-21T14:02:07.123456 203.0.113.9 200', '2026-11-21T14:02:07.123Z'],
    ['%h [%{%F %T}t] %>s', '203.0.113.9 [2026-11-21 14:02:07] 200', '2026-11-21T14:02:07.000Z'],
    ['%h %t %>s', '203.0.113.9 [21/Nov/2026:14:02:07 +0000] 200', '2026-11-21T14:02:07.000Z'],
  ])('reads the time of %s', (text, line, at) => {
    expect(seriesOf(apacheFormat('x', text), line)).toMatchObject({ at, outcome: { status: 200 } });
    expect(fieldsOf(apacheFormat('x', text), line)).toMatchObject({ client: '203.0.113.9' });
  });

  it('is found in a configuration, and chosen before what looks like it', () => {
    const formats = parseApacheLogFormats(config);
    expect(formats.map(({ id }) => id)).toEqual(['apache:vhost_combined', 'apache:timed', 'apache:line 5']);
    const line = linesOf('apache-combined-d-2.4');
    expect(idsIn(line.join('\n'), [...formats, ...knownFormats()])).toEqual(['apache:timed']);
  });

  it('is told from the text of an nginx log_format', () => {
    expect(['%h %>s', '%{Referer}i', '%!200,304{Referer}i'].every(isApacheFormat)).toBe(true);
    expect(['$remote_addr 100%', '%', 'combined', '{"status":$status,"a":"%s"}'].some(isApacheFormat)).toBe(false);
  });

  it('makes a format of any text, which reads any line', () => {
    const piece = fc.oneof(fc.constantFrom('%h', '%t', '"%r"', '%>s', '%{Host}i', '%{%F %T}t', '%%', '%', '%{', '"', ' ', '\\"'), fc.string());
    fc.assert(
      fc.property(fc.array(piece), fc.array(piece), (text, line) => {
        const format = apacheFormat('x', text.join(''));
        rollUpOf(line.join(''), [format]);
        parseApacheLogFormats(`LogFormat ${text.join('')}`);
      }),
    );
  });
});
