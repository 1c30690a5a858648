import { readdirSync, readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConfigDirective } from '../model/facts/nginx.ts';
import { latin1FromText } from './latin1.ts';
import { nginxConfPieces } from './nginx-conf-lexer.ts';
import { maxConfDepth, parseNginxConf, printNginxConf, quoteConfWord } from './nginx-conf.ts';

const fixtures = new URL('./nginx-conf.fixtures/', import.meta.url);
const samples = readdirSync(fixtures).map(name => ({ name, text: readFileSync(new URL(name, fixtures), 'latin1') }));

/** Text that is dense in what the grammar treats specially. */
const confText = fc
  .array(
    fc.oneof(
      fc.constantFrom('{', '}', ';', ' ', '\n', '\r\n', '\t', '"', "'", '\\', '#', '$', '${', ')', '(', '[[', ']]', '--', '[=[', '\u00ef\u00bb\u00bf'),
      fc.constantFrom('content_by_lua_block', 'include', 'server', 'a', '\u00c3\u00a9', '\u00ff'),
      fc.string({ unit: 'binary', maxLength: 4 }).map(latin1FromText),
    ),
    { maxLength: 60 },
  )
  .map(parts => parts.join(''));

function tree(directives: readonly ConfigDirective[]): unknown[] {
  return directives.map(directive => {
    const words = [directive.name, ...directive.args.map(arg => arg.value)].join('|');
    if (directive.raw !== undefined) return [words, directive.raw];
    return directive.block === undefined ? words : [words, tree(directive.block)];
  });
}

function parse(text: string): ReturnType<typeof parseNginxConf> {
  return parseNginxConf(text, '/etc/nginx/nginx.conf');
}

function problems(text: string): string[] {
  return parse(text).problems.map(problem => `${problem.line}: ${problem.text}`);
}

function everyDirective(directives: readonly ConfigDirective[]): ConfigDirective[] {
  return directives.flatMap(directive => [directive, ...everyDirective(directive.block ?? [])]);
}

describe('words', () => {
  it.each([
    ['a b c;', ['a|b|c']],
    ['root "/a b";', ['root|/a b']],
    ["root '/a;b{c}';", ['root|/a;b{c}']],
    ['root /a\\ b;', ['root|/a\\ b']],
    ['x "a\\tb\\"c\\x";', ['x|a\tb"c\\x']],
    ['return 200 ok#not-a-comment;', ['return|200|ok#not-a-comment']],
    ['# a; b {\nx y; # z;', ['x|y']],
    ['proxy_pass http://${app}:${port};', ['proxy_pass|http://${app}:${port}']],
    ['root a"b"c;', ['root|a"b"c']],
    ['root a}b;', ['root|a}b']],
    ['x "a"\n"b";', ['x|a|b']],
    ['if ($a = "b") { x; }', [['if|($a|=|b|)', ['x']]]],
    ['server{listen 80;}', [['server', ['listen|80']]]],
    ['x "$";', ['x|$']],
    ['x \\;y;', ['x|\\;y']],
    ['map $a $b { "~^/x{2,3}$" 1; default 0; }', [['map|$a|$b', ['~^/x{2,3}$|1', 'default|0']]]],
    ['a b;\r\nc d;\r\n', ['a|b', 'c|d']],
    [latin1FromText('server_name größe.example "日本";'), ['server_name|größe.example|日本']],
  ] as const)('%j', (text, expected) => {
    expect(tree(parse(text).directives)).toEqual(expected);
  });

  it('opens a block at a "{" that does not follow "$" within a word', () => {
    expect(tree(parse('x ${a{ y; }').directives)).toEqual([['x|${a', ['y']]]);
  });

  it('keeps bytes that are not UTF-8 in the ranges and shows them as replacement characters', () => {
    const text = 'root /caf\u00e9;';
    const [directive] = parse(text).directives;
    expect(directive?.args[0]).toMatchObject({ value: '/caf\ufffd', start: 5, end: 10 });
  });
});

describe('Lua blocks', () => {
  it.each([
    ['content_by_lua_block { a = "}" } x;', ' a = "}" '],
    ["content_by_lua_block { a = '\\'}' } x;", " a = '\\'}' "],
    ['content_by_lua_block { if a then t = {{1}, {2}} end } x;', ' if a then t = {{1}, {2}} end '],
    ["content_by_lua_block { -- it's a } here\n a() } x;", " -- it's a } here\n a() "],
    ['content_by_lua_block { --[[ } " ]] a() } x;', ' --[[ } " ]] a() '],
    ['content_by_lua_block { --[==[ } ]] ]==] a() } x;', ' --[==[ } ]] ]==] a() '],
    ['content_by_lua_block { t[t[1]] = [=[ }]] ]=] } x;', ' t[t[1]] = [=[ }]] ]=] '],
    ['content_by_lua_block {} x;', undefined],
  ])('%j', (text, raw) => {
    const { directives, problems: found } = parse(text);
    expect(found).toEqual([]);
    expect(directives.map(directive => directive.name)).toEqual(['content_by_lua_block', 'x']);
    expect(directives[0]?.raw).toBe(raw ?? '');
  });

  it('takes the variable of set_by_lua_block', () => {
    expect(tree(parse('set_by_lua_block $x { return ";" }').directives)).toEqual([['set_by_lua_block|$x', ' return ";" ']]);
  });

  it('tells a block without end', () => {
    expect(problems('http {\ncontent_by_lua_block { a = [[ }\n}\n')).toEqual([
      '2: no closing "}" for the Lua block that starts here',
      '4: unexpected end of file, expecting "}"; the block "content_by_lua_block" of line 2 is open',
    ]);
  });
});

describe('what nginx refuses', () => {
  // Each text was given to `nginx -t` 1.22.1; the lines and the quoted words are those of its message.
  it.each([
    ['events{}\nhttp{ } }\n', '2: unexpected "}"'],
    ['events{}\nhttp{ root /x }\n', '2: unexpected "}": the directive "root" before it is not terminated by ";"'],
    ['events{}\nhttp{ map "a"b c { } }\n', '2: unexpected "b" after a closing quote'],
    ['events{}\nhttp{ root "a"#b;\n }\n', '2: unexpected "#" after a closing quote'],
    ['events{}\nhttp{ ; }\n', '2: unexpected ";"'],
    ['events{}\n{ a; }\n', '2: unexpected "{"'],
    ['events{}\nhttp{ server {\n', '3: unexpected end of file, expecting "}"; the block "server" of line 2 is open'],
    ['events{}\nroot /x', '2: unexpected end of file, expecting ";" or "}"'],
    ['events{}\nhttp{ server { server_name "abc; }\n}\n', '2: no closing " for the word that starts here'],
    ['\u00ef\u00bb\u00bfevents{}\n', '1: the file starts with a byte order mark, which nginx takes for a part of the first word'],
    [`#${'x'.repeat(5000)}\nevents{}\n`, '1: a word or comment of 5001 bytes starts here; nginx takes fewer than 4096'],
  ])('%j', (text, expected) => {
    expect(problems(text)[0]).toBe(expected);
  });

  it('reads on after a directive without ";"', () => {
    const { directives } = parse('server { listen 80 }\nserver { listen 81; }');
    expect(tree(directives)).toEqual([
      ['server', ['listen|80']],
      ['server', ['listen|81']],
    ]);
  });

  it('names the parameter in what -g gives', () => {
    expect(parseNginxConf('daemon off', '-g').problems[0]?.text).toBe('unexpected end of parameter, expecting ";" or "}"');
  });
});

describe('real files', () => {
  it.each(samples)('$name is read without a problem and printed as it was', ({ text }) => {
    const { directives, problems: found } = parse(text);
    expect(found).toEqual([]);
    expect(directives.length).toBeGreaterThan(0);
    expect(printNginxConf(text)).toBe(text);
  });

  it("finds Debian's default server", () => {
    const text = samples.find(sample => sample.name.includes('sites-default'))?.text ?? '';
    const [server] = parse(text).directives;
    expect(tree([server].filter(part => part !== undefined))).toEqual([
      [
        'server',
        [
          'listen|80|default_server',
          'listen|[::]:80|default_server',
          'root|/var/www/html',
          'index|index.html|index.htm|index.nginx-debian.html',
          'server_name|_',
          ['location|/', ['try_files|$uri|$uri/|=404']],
        ],
      ],
    ]);
    expect(server?.line).toBe(text.slice(0, server?.start).split('\n').length);
  });
});

describe('printNginxConf', () => {
  it('replaces a word and leaves every other byte', () => {
    const text = '\u00ef\u00bb\u00bfserver {\r\n\tlisten  80; # "x\r\n}\r\n';
    const token = parse(text).directives[0]?.block?.[0]?.args[0];
    expect(printNginxConf(text, [{ start: token?.start ?? 0, end: token?.end ?? 0, text: '8080' }])).toBe(text.replace('80', '8080'));
  });

  it('inserts at both ends and removes a directive', () => {
    expect(
      printNginxConf('a b;\nc d;\n', [
        { start: 10, end: 10, text: 'e;\n' },
        { start: 0, end: 0, text: '# x\n' },
        { start: 0, end: 5, text: '' },
      ]),
    ).toBe('# x\nc d;\ne;\n');
  });

  it.each([
    [[{ start: 1, end: 3, text: 'x' }]],
    [[{ start: 0, end: 99, text: 'x' }]],
    [[{ start: -1, end: 0, text: 'x' }]],
    [
      [
        { start: 0, end: 6, text: 'x' },
        { start: 5, end: 7, text: 'y' },
      ],
    ],
  ])('refuses %j', edits => {
    expect(printNginxConf('listen 80;', edits)).toBeUndefined();
  });
});

describe('any text', () => {
  it('is covered by its pieces without gap or overlap, and printed as it was', () => {
    fc.assert(
      fc.property(confText, text => {
        let at = 0;
        for (const piece of nginxConfPieces(text)) {
          expect(piece.start).toBe(at);
          expect(piece.end).toBeGreaterThan(at);
          expect(piece.line).toBe(text.slice(0, at).split('\n').length);
          at = piece.end;
        }
        expect(at).toBe(text.length);
        expect(printNginxConf(text)).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  it('gives a tree whose ranges fall on pieces and lie inside each other', () => {
    fc.assert(
      fc.property(confText, text => {
        const { directives } = parse(text);
        const words = new Set(nginxConfPieces(text).flatMap(piece => (piece.kind === 'word' ? [`${piece.start}-${piece.end}`] : [])));
        for (const directive of everyDirective(directives)) {
          expect(directive.end).toBeLessThanOrEqual(text.length);
          for (const arg of directive.args) expect(words.has(`${arg.start}-${arg.end}`)).toBe(true);
          for (const child of directive.block ?? []) {
            expect(child.start).toBeGreaterThanOrEqual(directive.start);
            expect(child.end).toBeLessThanOrEqual(directive.end);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('is read at a cost that grows with its length alone', () => {
    fc.assert(
      fc.property(confText, text => {
        const cost = (times: number): number => parse(text.repeat(times)).steps;
        expect(cost(64)).toBeLessThanOrEqual(64 * text.length * 3 + 64);
      }),
      { numRuns: 300 },
    );
  });

  it('stays itself when quoted as a word', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), value => {
        const wellFormed = Buffer.from(value, 'utf8').toString('utf8');
        const { directives, problems: found } = parse(`x ${quoteConfWord(latin1FromText(wellFormed))};`);
        expect(found.filter(problem => !problem.text.startsWith('a word'))).toEqual([]);
        expect(directives.map(directive => directive.args.map(arg => arg.value))).toEqual([[wellFormed]]);
      }),
    );
  });
});

describe('huge files', () => {
  it('survives 100,000 open braces', () => {
    const { directives, problems: found } = parse('a {\n'.repeat(100_000));
    let depth = 0;
    for (let at = directives[0]; at !== undefined; at = at.block?.[0]) depth += 1;
    expect(depth).toBe(maxConfDepth);
    expect(found[0]?.text).toContain('blocks inside more than');
    expect(parse(`${'a {'.repeat(1000)}x;${'}'.repeat(1000)} last y;`).directives.map(directive => directive.name)).toEqual(['a', 'last']);
  });

  it('reads 35,000 lines', () => {
    const server = 'server {\n  listen 80;\n  server_name a.example b.example;\n  location / {\n    proxy_pass http://127.0.0.1:8000;\n  }\n}\n';
    const { directives, words } = parse(server.repeat(5000));
    expect(directives.length).toBe(5000);
    expect(words).toBe(5000 * 10);
    expect(directives.at(-1)?.line).toBe(4999 * 7 + 1);
  });

  it('stops at the limit of words and says so', () => {
    const { problems: found, words } = parseNginxConf('a '.repeat(5000), '/x', { maxWords: 100 });
    expect(words).toBe(101);
    expect(found.at(-1)?.text).toContain('more than 100 words');
  });
});
