import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { latin1FromBytes, latin1FromText } from '../parsers/latin1.ts';
import { printNginxConf } from '../parsers/nginx-conf.ts';
import { applySplices, spliceEdits, type EditStep } from './splice.ts';

function edit(line: number | undefined, before: string, after: string, path = '/etc/x.conf'): EditStep {
  return { kind: 'edit', path, ...(line === undefined ? {} : { line }), before, after, diff: '' };
}

const text = '; pools\n[www]\npm.max_children = 5\npm.max_children = 5\nlisten = /run/a.sock\n';

describe('an edit', () => {
  it('changes its own line where the same text stands elsewhere too', () => {
    const made = spliceEdits(text, [edit(4, 'pm.max_children = 5', 'pm.max_children = 12')]);
    expect(made).toEqual({ state: 'made', after: text.replace(/5\nlisten/, '12\nlisten') });
  });

  it.each([
    ['the line says something else by now', edit(3, 'pm.max_children = 6', 'pm.max_children = 12')],
    ['the line is gone', edit(40, 'pm.max_children = 5', 'x')],
    ['the line goes on behind what is expected', edit(3, 'pm.max_children', 'x')],
    ['there is no line, and the text stands there twice', edit(undefined, 'pm.max_children = 5', 'x')],
    ['it would make a file that is there', edit(1, '', 'x\n')],
  ])('is refused where %s', (_, step) => {
    expect(spliceEdits(text, [step]).state).toBe('refused');
  });

  it('takes several lines of one file as they were, whatever those above them become', () => {
    const made = spliceEdits(text, [
      edit(5, 'listen = /run/a.sock', 'listen = /run/b.sock'),
      edit(3, 'pm.max_children = 5', 'pm = static\npm.max_children = 7'),
    ]);
    expect(made).toMatchObject({ after: '; pools\n[www]\npm = static\npm.max_children = 7\npm.max_children = 5\nlisten = /run/b.sock\n' });
  });

  it('bears edits that repeat the line of another for context, and refuses those that change the same bytes', () => {
    const context = 'pm.max_children = 5\npm.max_children = 5';
    expect(
      spliceEdits(text, [edit(3, 'pm.max_children = 5', 'pm.max_children = 9'), edit(3, context, 'pm.max_children = 5\npm.max_children = 8')]),
    ).toMatchObject({
      after: text.replace('= 5\npm.max_children = 5', '= 9\npm.max_children = 8'),
    });
    expect(spliceEdits(text, [edit(3, 'pm.max_children = 5', 'pm.max_children = 9'), edit(3, 'pm.max_children = 5', 'pm.max_children = 8')]).state).toBe(
      'refused',
    );
  });

  it('keeps carriage returns, blanks before and behind, and gives new lines the same end', () => {
    const dos = '[www]\r\n  user = a \r\n';
    expect(spliceEdits(dos, [edit(2, 'user = a', 'user = a\ngroup = b')])).toMatchObject({ after: '[www]\r\n  user = a\r\ngroup = b \r\n' });
  });

  it('finds a line whose bytes are no UTF-8, and one whose bytes are', () => {
    const odd = `x 1; # gr\u00fc\u00df\n${latin1FromText('y 1; # größer')}\n`;
    expect(spliceEdits(odd, [edit(1, 'x 1; # gr\u00fc\u00df', 'x 2; # gr\u00fc\u00df'), edit(2, 'y 1; # größer', 'y 2; # größer')])).toMatchObject({
      after: odd.replace('x 1', 'x 2').replace('y 1', 'y 2'),
    });
  });

  it('writes a file of its own anew, and says where it says so already', () => {
    const own = '/etc/systemd/system/a.service.d/badhop-workers.conf';
    for (const path of [own, own.replace('badhop-', 'zz-badhop-'), own.replace('badhop-', '90-badhop-')])
      expect(spliceEdits('old\n', [edit(1, '', 'new\n', path)])).toEqual({ state: 'made', after: 'new\n' });
    expect(spliceEdits('old\n', [edit(1, '', 'new\n', own.replace('badhop-', 'a-badhop-'))]).state).toBe('refused');
    expect(spliceEdits('new\n', [edit(1, '', 'new\n', own)]).state).toBe('refused');
    expect(spliceEdits(undefined, [edit(1, '', 'new\n', '/etc/new.conf')])).toEqual({ state: 'made', after: 'new\n' });
  });
});

/** The configurations that the parsers are tried with, and those of the recorded hosts. */
const fixtures = [
  ...['nginx-conf', 'apache-proxy', 'haproxy-config', 'php-fpm-config'].map(name => `../parsers/${name}.fixtures/`),
  '../../../test/scenarios/',
].flatMap(name =>
  readdirSync(new URL(name, import.meta.url).pathname, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && (name.includes('fixtures') || /^read-etc-(?:nginx|php|systemd|apache2|haproxy)/.test(entry.name)))
    .map(entry => join(entry.parentPath, entry.name)),
);

describe('bytes outside of an edit', () => {
  it('are tried with many files', () => {
    expect(fixtures.length).toBeGreaterThan(20);
    expect(fixtures.filter(path => path.includes('/scenarios/')).length).toBeGreaterThan(5);
  });

  it.each(fixtures.filter(path => path.includes('nginx')))('stay where %s is read and printed', path => {
    const whole = latin1FromBytes(readFileSync(path));
    expect(printNginxConf(whole)).toBe(whole);
  });

  it.each(fixtures)('stay, whichever line of %s is changed', path => {
    const whole = latin1FromBytes(readFileSync(path));
    const lines = whole.split('\n');
    let changed = 0;
    for (const [index, line] of lines.entries()) {
      if (line.trim() === '' || index % Math.ceil(lines.length / 50) !== 0) continue;
      const made = spliceEdits(whole, [edit(index + 1, line.replace(/\r$/, ''), 'changed')]);
      expect(made).toEqual({
        state: 'made',
        after: [...lines.slice(0, index), line.endsWith('\r') ? 'changed\r' : 'changed', ...lines.slice(index + 1)].join('\n'),
      });
      changed++;
    }
    expect(changed).toBeGreaterThan(0);
  });

  it('stay in a configuration of 35,000 lines, which its parser gives back byte for byte', () => {
    const server = (n: number): string => `server {\n  listen ${n}; # caf\u00e9\n  location / {\n    proxy_pass http://127.0.0.1:${n};\n  }\n}\n`;
    const whole = Array.from({ length: 5834 }, (_, n) => server(1024 + n)).join('');
    expect(whole.split('\n').length).toBeGreaterThan(35_000);
    expect(printNginxConf(whole)).toBe(whole);
    const made = spliceEdits(whole, [edit(34_996, '    proxy_pass http://127.0.0.1:6856;', '    proxy_pass http://127.0.0.1:1;')]);
    expect(made).toMatchObject({ after: whole.replace('proxy_pass http://127.0.0.1:6856;', 'proxy_pass http://127.0.0.1:1;') });
  });

  it('stay for any text and any line of it', () => {
    const line = fc
      .string({ unit: fc.integer({ min: 0x20, max: 0xff }).map(code => String.fromCharCode(code)), minLength: 1 })
      .filter(one => one.trim() !== '');
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 20 }), fc.nat(), line, (lines, at, after) => {
        const index = at % lines.length;
        const made = spliceEdits(lines.join('\n'), [edit(index + 1, lines[index] ?? '', after)]);
        // A text that is UTF-8 by chance is read as that; then it is another text.
        if (made.state === 'made') expect([lines.with(index, after).join('\n'), lines.with(index, latin1FromText(after)).join('\n')]).toContain(made.after);
      }),
    );
  });

  it('are cut together again by splices in any order', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.tuple(fc.nat(40), fc.nat(40), fc.string())), (whole, ranges) => {
        const made = applySplices(
          whole,
          ranges.map(([a, b, piece]) => ({ start: Math.min(a, b), end: Math.max(a, b), text: piece })),
        );
        expect(['made', 'refused']).toContain(made.state);
      }),
    );
  });
});
