import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configOfDump } from '../parsers/nginx-conf-files.ts';
import { latin1FromText } from '../parsers/latin1.ts';
import { ignoresIn } from './ignores.ts';
import { Places } from './places.ts';
import { defineLintRule, spotOf, type LintRule } from './rule.ts';
import { rules } from './rules/index.ts';
import { runLint, type LintRun } from './run.ts';
import { viewOf } from './view.ts';

function run(text: string, of: readonly LintRule[]): LintRun {
  const config = configOfDump('lint', '/n.conf', '', new Map([['/n.conf', text]]));
  return runLint(viewOf(config, { version: '1.28.0', upgradeTo: '1.31.5' }), of, { shownPath: path => path, redact: plain => plain, madeUp: new Set() });
}

const words = `http server location upstream stream if map proxy_pass fastcgi_pass grpc_pass proxy_set_header listen include set / @x ~ = http://$a http://a
  https://[::1]:0 unix:/x 127.0.0.1:80 $a resolve down backup max_fails=x 80 ssl proxy_next_upstream http_500 keepalive proxy_ssl_verify on try_files return rewrite
  error_page log_format Host " '`.split(/\s+/);
const word = fc.constantFrom(...words);
const confText = fc
  .array(fc.oneof({ weight: 6, arbitrary: word }, fc.constantFrom('{', '}', ';', '\n', '# badhop-ignore x: y\n'), fc.string({ maxLength: 6 })), {
    maxLength: 120,
  })
  .map(parts => latin1FromText(parts.join(' ')));
/** Blocks that do close, so that rules see servers and passes. */
const structured = fc.array(fc.tuple(word, fc.array(word, { maxLength: 3 })), { maxLength: 30 }).map(lines => {
  const inside = lines.map(([name, args]) => `${name} ${args.filter(arg => !/["']/.test(arg)).join(' ')};`).filter(line => !/["']/.test(line));
  return `events {} http { upstream a { ${inside.slice(0, 5).join(' ')} } server { ${inside.slice(5, 9).join(' ')} location / { ${inside.slice(9).join(' ')} } } }`;
});

describe('any text', () => {
  it('is judged without a throw, in places that lie in the file', () => {
    fc.assert(
      fc.property(fc.oneof(confText, structured), text => {
        const { findings, gaps, lines } = run(text, rules);
        expect(gaps).toEqual([]);
        for (const { column, endColumn, endLine, line } of findings) {
          expect(line).toBeGreaterThan(0);
          expect(column).toBeGreaterThan(0);
          expect(endLine).toBeLessThanOrEqual(lines);
          if (endLine === line) expect(endColumn).toBeGreaterThanOrEqual(column);
        }
      }),
      { numRuns: 1500 },
    );
  });
});

describe('a rule that throws', () => {
  const wrong = defineLintRule({
    meta: { id: 'wrong', title: 'It throws', severity: 'error' },
    *check(view) {
      const [first] = view.config.directives;
      if (first !== undefined) yield { at: spotOf(first), message: 'Seen.', advice: 'None.' };
      throw new Error('not so');
    },
  });

  it('is told, and what it had found stays', () => {
    const { findings, gaps } = run('events {}', [wrong]);
    expect(findings.map(finding => finding.rule)).toEqual(['wrong']);
    expect(gaps).toMatchObject([{ what: 'wrong', why: "badhop's own error: not so", matters: true }]);
  });
});

describe('places', () => {
  const text = latin1FromText('a;\r\n\tgröße 日本 x;\n');
  const places = new Places([{ path: '/n', text }], path => path);

  it('count columns in characters and leave line ends out', () => {
    const start = text.indexOf(' x;') + 1;
    expect(places.span({ path: '/n', start, end: start + 1 })).toMatchObject({ line: 2, column: 11, endColumn: 12, source: '\tgröße 日本 x;' });
    expect(places.span({ path: '/n', start: 0, end: 2 })).toMatchObject({ line: 1, column: 1, endLine: 1, endColumn: 3, source: 'a;' });
  });

  it('are none in a file that is not there', () => {
    expect(places.span({ path: '/other', start: 5, end: 9 })).toMatchObject({ line: 1, source: '' });
  });
});

describe('comments that silence', () => {
  it('know the line that they are for', () => {
    const text = '# badhop-ignore a: first\n\n# more\nx; # badhop-ignore b\ny {\n  # badhop-ignore c, d : two\n}\n';
    expect(ignoresIn({ path: '/n', text }).map(({ ids, line, reason }) => ({ ids, line, reason }))).toEqual([
      { ids: ['a'], line: 4, reason: 'first' },
      { ids: ['b'], line: 4, reason: '' },
      { ids: ['c', 'd'], line: 7, reason: 'two' },
    ]);
  });

  it('are no words of a string', () => {
    expect(ignoresIn({ path: '/n', text: 'x "# badhop-ignore a: b";' })).toEqual([]);
  });
});
