import { spawnSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lint as runLint } from '../src/cli/compose-lint.ts';
import type { LintReport } from '../src/core/model/lint.ts';
import { lintSchemaProblems } from './report-schema.ts';
import { root, textOf } from './source-files.ts';

const node = join(root, 'node_modules/.bin/node');
const program = join(root, 'src/cli/bin.ts');
const isRoot = process.getuid?.() === 0;

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly input?: string | Buffer;
  readonly cwd?: string;
  /** As nobody, where the tests run as root. */
  readonly isNobody?: boolean;
}

let scratch = '';
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'badhop-lint-'));
  chmodSync(scratch, 0o755);
});
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

function lint(args: readonly string[], { cwd = scratch, input = '', isNobody = false }: RunOptions = {}): Outcome {
  const ids = isNobody && isRoot ? { uid: 65_534, gid: 65_534 } : {};
  const { status, stdout, stderr } = spawnSync(node, [program, 'lint', ...args], {
    cwd,
    input,
    encoding: 'utf8',
    timeout: 50_000,
    maxBuffer: 64 << 20,
    env: { PATH: process.env['PATH'], LANG: 'C.UTF-8', NODE_NO_WARNINGS: '1' },
    ...ids,
  });
  return { code: status, stdout, stderr };
}

/** In this process, which is quicker. Text is put into a file of its own. */
async function judge(path: string, options: { readonly prefix?: string; readonly root?: string } = {}): Promise<LintReport> {
  const { prefix, root: files } = options;
  const question = { path, prefix, root: files, nginxVersion: '1.28.0', upgradeTo: undefined, apply: false, version: '1.0.0' };
  const { report } = await runLint(question);
  expect(lintSchemaProblems(report)).toEqual([]);
  return report;
}

let judged = 0;
function judgeText(text: string | Buffer): Promise<LintReport> {
  judged += 1;
  return judge(put({ [`text-${judged}/file.conf`]: text }));
}

function rulesOf({ findings }: LintReport): readonly string[] {
  return findings.map(({ rule }) => rule);
}

/** Writes files below the scratch folder; gives the path of the first. */
function put(files: Readonly<Record<string, string | Buffer>>): string {
  for (const [name, text] of Object.entries(files)) {
    const path = join(scratch, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return join(scratch, Object.keys(files)[0] ?? '');
}

const broken = 'events {}\nhttp {\n\tupstream app { server 127.0.0.1:0; }\n\tserver {\n\t\tlocation / { proxy_pass http://localhost:3000; }\n\t}\n}\n';
const healthy = 'events {}\nhttp {\n  server {\n    listen 8080;\n    location / { root /srv/www; }\n  }\n}\n';

describe('where a configuration comes from', () => {
  it('is a file with what it includes, relative to its own folder', async () => {
    const path = put({
      'site/nginx.conf': 'events {}\nhttp { include conf.d/*.conf; }\n',
      'site/conf.d/b.conf': 'server { location / { proxy_pass http://app; } }',
      'site/conf.d/a.conf': 'upstream app { server 127.0.0.1:70000; }',
    });
    const report = await judge(path);
    expect(report.findings).toMatchObject([{ rule: 'upstream-address-invalid', path: join(scratch, 'site/conf.d/a.conf'), line: 1, column: 23 }]);
    expect(report.subject).toMatchObject({ form: 'file', files: 3 });
    expect((await judge(join(scratch, 'site'))).subject.form).toBe('folder');
    expect(rulesOf(await judge('conf.d/a.conf', { prefix: join(scratch, 'site') }))).toEqual(['upstream-address-invalid']);
  });

  it('names its files by their place on the server, and has them beside it', async () => {
    const path = put({
      'repo/nginx.conf': 'events {}\nhttp { include /etc/nginx/conf.d/*.conf; include /etc/nginx/mime.types; }\n',
      'repo/conf.d/a.conf': 'upstream app { server 127.0.0.1:70000; }\nserver { location / { proxy_pass http://app; } }',
    });
    expect((await judge(path)).findings).toMatchObject([{ rule: 'upstream-address-invalid', path: join(scratch, 'repo/conf.d/a.conf') }]);
  });

  it('looks absolute paths up below --root', async () => {
    const path = put({
      'image/etc/nginx/nginx.conf': 'events {}\nhttp { include /opt/site/*.conf; }\n',
      'image/opt/site/a.conf': 'upstream app { server 127.0.0.1:70000; }',
    });
    expect((await judge(path, { root: join(scratch, 'image') })).findings).toMatchObject([{ path: join(scratch, 'image/opt/site/a.conf') }]);
  });

  it('is what nginx -T prints', async () => {
    const dump = `# configuration file /etc/nginx/nginx.conf:\nevents {}\nhttp { include conf.d/*.conf; }\n\n# configuration file /etc/nginx/conf.d/a.conf:\nupstream app { server 127.0.0.1:70000; }\n`;
    const noise = 'nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\n';
    const piped = JSON.parse(lint(['-', '--format', 'json'], { input: noise + dump }).stdout) as LintReport;
    for (const report of [piped, await judge(put({ 'dump.txt': dump }))]) {
      expect(report.findings).toMatchObject([{ rule: 'upstream-address-invalid', path: '/etc/nginx/conf.d/a.conf', line: 1 }]);
    }
  });

  it('is standard input', () => {
    const { code, stdout } = lint(['-', '--format', 'json'], { input: broken });
    expect(code).toBe(1);
    expect((JSON.parse(stdout) as LintReport).findings[0]).toMatchObject({ rule: 'upstream-address-invalid', path: '<stdin>', line: 3, column: 24 });
    expect(lint(['-'], { input: '' }).code).toBe(0);
  });

  it.each([
    ['a site', 'server { listen 80; location / { proxy_pass http://127.0.0.1:99999; } }', 1],
    ['a snippet', 'location / {\n  proxy_pass http://127.0.0.1:99999;\n}\n', 2],
    ['a server of stream', 'server { listen 5432; proxy_pass 192.0.2.1; }', 1],
  ])('is a part of one: %s', async (_, input, line) => {
    const report = await judgeText(input);
    expect(report.findings).toMatchObject([{ rule: 'upstream-address-invalid', line }]);
    expect(report.notChecked).toMatchObject([{ what: 'what stands around it', matters: false }]);
  });

  it('is a folder of sites without an nginx.conf', async () => {
    put({
      'sites/sites-enabled/shop': 'server { location / { proxy_pass http://app; } }',
      'sites/upstreams.conf': 'upstream app { server 127.0.0.1:1 down; }',
      'sites/snippets/proxy.conf': 'proxy_set_header Host $host;',
    });
    const report = await judge(join(scratch, 'sites'));
    expect(rulesOf(report)).toContain('upstream-all-down');
    expect(report.subject).toMatchObject({ form: 'folder', files: 2 });
  });
});

describe('forms of the report', () => {
  it('points at the place with the line and a mark', () => {
    const { code, stdout } = lint([put({ 'mark.conf': broken }), '--width', '100', '--nginx-version', '1.28.0']);
    expect(code).toBe(1);
    expect(stdout).toContain(
      'error mark.conf:3:24 upstream-address-invalid\n    3 │  upstream app { server 127.0.0.1:0; }\n      │                        ^^^^^^^^^^^\n',
    );
    expect(stdout).toContain('for nginx 1.28.0 (as given)');
  });

  it('is SARIF by the schema of OASIS', () => {
    const { stdout } = lint([put({ 'sarif dir/ä@b.conf': `${broken}# \u001B[31m badhop-ignore nothing\n` }), '--format', 'sarif']);
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(JSON.parse(textOf('test/sarif.fixtures/sarif-schema-2.1.0.json')) as object);
    const log = JSON.parse(stdout) as { readonly runs: readonly { readonly results: readonly { readonly locations: readonly object[] }[] }[] };
    expect(validate(log), JSON.stringify(validate.errors)).toBe(true);
    expect(log.runs[0]?.results[0]?.locations[0]).toMatchObject({
      physicalLocation: { artifactLocation: { uri: 'sarif%20dir/%C3%A4@b.conf' }, region: { startLine: 3, startColumn: 24 } },
    });
    expect(validate({ ...log, version: '2.2' })).toBe(false);
  });

  it('is annotations for GitHub, one a line', () => {
    const { stdout } = lint([put({ 'git,hub.conf': broken }), '--format', 'github']);
    const [first = ''] = stdout.split('\n');
    expect(first).toMatch(/^::error file=git%2Chub\.conf,line=3,endLine=3,col=24,endColumn=34,title=.*::"0" is no port/);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .every(each => /^::(?:error|warning|notice) /.test(each)),
    ).toBe(true);
  });

  it('ends with the code of its severity', () => {
    const notice = put({ 'notice.conf': 'events {}\nhttp { server { location / { proxy_pass http://localhost:3000; } } }\n' });
    expect(lint([notice, '--nginx-version', '1.31.5']).code).toBe(0);
    expect(lint([notice, '--nginx-version', '1.31.5', '--fail-on', 'notice']).code).toBe(1);
    expect(lint([put({ 'fine.conf': healthy })])).toMatchObject({ code: 0, stderr: '' });
  });

  it('takes secrets out', () => {
    const path = put({ 'secret.conf': 'events {}\nhttp { server { location / { proxy_pass http://user:hunter2secret@127.0.0.1:0/; } } }\n' });
    for (const format of ['terminal', 'json', 'sarif', 'github']) expect(lint([path, '--format', format, '--fix']).stdout).not.toContain('hunter2secret');
  });
});

describe('comments that silence a rule', () => {
  const site = (before: string, behind = ''): string => `events {}\nhttp {\n  upstream app {\n    ${before}\n    server 127.0.0.1:0; ${behind}\n  }\n}\n`;

  it.each([
    ['above', site('# badhop-ignore upstream-address-invalid: it is replaced at deployment')],
    ['behind', site('', '# badhop-ignore upstream-address-invalid: it is replaced at deployment')],
    ['above, another comment between', site('# badhop-ignore other-rule, upstream-address-invalid: it is replaced\n    # later').replace('other-rule, ', '')],
  ])('stand %s it', async (_, input) => {
    const report = await judgeText(input);
    expect(report.findings).toEqual([]);
    expect(report.ignored).toMatchObject([{ rule: 'upstream-address-invalid', path: expect.stringContaining('file.conf') as string }]);
  });

  it.each([
    ['gives no reason', site('# badhop-ignore upstream-address-invalid'), ['ignore-without-reason']],
    ['silences nothing', `# badhop-ignore proxy-loop: no\n${healthy}`, ['ignore-unused']],
    ['names no rule that there is', `# badhop-ignore no-such-rule: no\n${healthy}`, ['ignore-unused']],
    ['is two lines above', site('# badhop-ignore upstream-address-invalid: x\n    zone app 64k;'), ['ignore-unused', 'upstream-address-invalid']],
    ['is a word in a string', `events {}\nhttp { log_format x '# badhop-ignore proxy-loop'; }\n`, []],
  ])('are told where one %s', async (_, input, expected) => {
    expect(rulesOf(await judgeText(input)).filter(rule => /ignore|invalid/.test(rule))).toEqual(expected);
  });
});

describe('--fix', () => {
  const before = 'events {}\r\nhttp {\r\n  # caf\u00e9 \xff\r\n  resolver 192.0.2.53;\r\n  upstream api { server api.example.com:443 resolve; }\r\n}\r\n';
  const after = before.replace('{ server api', '{ zone api 64k; server api');
  const args = ['--nginx-version', '1.28.0', '--fix'];

  it('shows a diff and changes nothing', () => {
    const path = put({ 'fix/nginx.conf': Buffer.from(before, 'latin1') });
    const { code, stdout } = lint([path, ...args]);
    expect(code).toBe(1);
    expect(stdout).toContain('+  upstream api { zone api 64k; server api.example.com:443 resolve; }');
    expect(readFileSync(path, 'latin1')).toBe(before);
  });

  it('makes the changes with --apply and keeps all other bytes, the mode and the link', () => {
    const path = put({ 'apply/available.conf': Buffer.from(before, 'latin1') });
    chmodSync(path, 0o640);
    const link = join(scratch, 'apply/nginx.conf');
    symlinkSync('available.conf', link);
    const { code, stderr } = lint([link, ...args, '--apply']);
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('Changed apply/available.conf') as string });
    expect(readFileSync(path, 'latin1')).toBe(after);
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });

  it('refuses what it cannot replace safely', () => {
    const path = put({ 'hard/nginx.conf': Buffer.from(before, 'latin1') });
    linkSync(path, join(scratch, 'hard/other'));
    expect(lint([path, ...args, '--apply'])).toMatchObject({ code: 2, stderr: expect.stringContaining('hard links') as string });
    expect(lint(['-', ...args, '--apply'], { input: before })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('not a file of this machine') as string,
    });
    expect(lint([path, '--apply'])).toMatchObject({ code: 2, stderr: expect.stringContaining('--fix') as string });
    expect(readFileSync(path, 'latin1')).toBe(before);
  });
});

describe('bad input', () => {
  it.each([
    ['an open block', 'events {}\nhttp {\n  server {\n', 4],
    ['an open quote', 'events {}\nhttp { server_name "a; }\n', 2],
    ['a directive without an end', 'events {}\nhttp {\n  root /x\n}\n', 4],
    ['a byte order mark', '\u00ef\u00bb\u00bfevents {}\n', 1],
  ])('says where it does not parse: %s', async (_, text, line) => {
    const { findings } = await judgeText(Buffer.from(text, 'latin1'));
    expect(findings[0]).toMatchObject({ rule: 'nginx-config-invalid', fault: 'nginx-config-invalid', severity: 'error', line });
  });

  it.each([
    ['no file', ['missing.conf'], 'missing.conf'],
    ['a folder without a configuration', ['empty'], 'no nginx.conf'],
    ['a binary', ['binary.conf'], 'is no text'],
    ['a version that is none', ['fine.conf', '--nginx-version', 'new'], '1.26.3'],
  ])('cannot run: %s', (_, args, says) => {
    put({ 'fine.conf': healthy, 'binary.conf': Buffer.from([1, 0, 2]), 'empty/readme.txt': 'x' });
    expect(lint(args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(says) as string });
  });

  it('is not sure where a file cannot be read', () => {
    const path = put({ 'denied/nginx.conf': 'events {}\nhttp { include a.conf; }\n', 'denied/a.conf': 'x y;' });
    chmodSync(join(scratch, 'denied/a.conf'), 0);
    const { code, stdout } = lint([path], { isNobody: true, cwd: '/' });
    expect(stdout).toMatch(/Not checked\n.*denied\/a\.conf/);
    expect(code).toBe(3);
  });

  it('is not sure where a file is on another machine', () => {
    const path = put({ 'elsewhere/nginx.conf': 'events {}\nhttp { include /srv/badhop-no-such-folder/a.conf; include /srv/badhop-no-such-folder/*.conf; }\n' });
    const { code, stdout } = lint([path]);
    expect(stdout).toContain('/srv/badhop-no-such-folder/a.conf: it is not on this machine;');
    expect(code).toBe(3);
  });

  it('takes what packages of nginx bring for theirs, in a repository that does not hold it', () => {
    const site =
      'server { listen 80; location ~ \\.php$ { include snippets/fastcgi-php.conf; include fastcgi_params; fastcgi_pass unix:/run/php/shop.sock; } }\n';
    const path = put({ 'repository/nginx.conf': `events {}\nhttp { include mime.types; ${site} }\n` });
    const { code, stdout } = lint([path, '--format', 'json']);
    const { findings, notChecked } = JSON.parse(stdout) as LintReport;
    expect([code, findings, notChecked.length]).toEqual([0, [], 3]);
  });

  it('does not know where the relative paths of a part lie', () => {
    const path = put({ 'part/shop.conf': 'server {\n  listen 80;\n  include snippets/tls.conf;\n  location / { proxy_pass http://127.0.0.1:8080; }\n}\n' });
    const { code, stdout } = lint([path, '--format', 'json']);
    const { findings, notChecked } = JSON.parse(stdout) as LintReport;
    expect([code, findings.map(({ rule }) => rule)]).toEqual([3, []]);
    expect(notChecked[0]).toMatchObject({ what: expect.stringContaining('snippets/tls.conf') as string, matters: true });
  });

  it('tells an include that is missing beside the file, and a loop', async () => {
    const path = put({ 'loop/nginx.conf': 'events {}\nhttp {\n  include missing.conf;\n  include loop.conf;\n}\n', 'loop/loop.conf': 'include loop.conf;' });
    expect((await judge(path)).findings.map(({ message, path: where, line }) => `${where.slice(scratch.length + 1)}:${line} ${message}`)).toEqual([
      expect.stringContaining('loop/loop.conf:1 Includes') as string,
      expect.stringContaining('loop/nginx.conf:3 Includes') as string,
    ]);
  });

  it.each([
    ['Windows line ends', broken.replaceAll('\n', '\r\n')],
    ['bytes that are no UTF-8', broken.replace('upstream app', '# \u00ff\u00fe\n\tupstream app').replaceAll('\n\tupstream', '\n\tupstream')],
    ['Lua with braces of its own', broken.replace('server {\n', 'server {\n content_by_lua_block { t = { "}" } -- }\n }\n')],
  ])('reads on: %s', async (_, text) => {
    expect(rulesOf(await judgeText(Buffer.from(text, 'latin1')))).toEqual(['upstream-address-invalid', 'localhost-ipv6-mismatch']);
  });

  it.each([
    ['deep nesting', 'a {\n'.repeat(50_000)],
    ['a million semicolons', ';'.repeat(1_000_000)],
    ['one long line', `events {} http { ${'server { listen 80; } '.repeat(20_000)} }`],
    ['many comments that silence', `events {}\n${'# badhop-ignore proxy-loop: x\n'.repeat(20_000)}`],
  ])('ends in time: %s', async (_, input) => {
    const started = performance.now();
    await judgeText(input);
    expect(performance.now() - started).toBeLessThan(20_000);
  });

  it('takes the first part of a file of a gigabyte, and says so', () => {
    const path = put({ 'huge/nginx.conf': healthy });
    // A hole reads as zeros, which no line begins with before it.
    writeFileSync(path, `${healthy}${`# ${'x'.repeat(60)}\n`.repeat(140_000)}`);
    truncateSync(path, 1 << 30);
    const { code, stdout } = lint([path, '--format', 'json']);
    expect(code).toBe(3);
    expect((JSON.parse(stdout) as LintReport).notChecked[0]?.why).toContain('1073741824 bytes');
  });

  it('escapes what would act on a terminal', () => {
    const { stdout } = lint(['-'], { input: 'events {}\nhttp { upstream a { server "\u001B]0;x\u0007:0"; } }\n' });
    expect(stdout).not.toContain('\u001B');
  });
});
