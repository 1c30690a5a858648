import { describe, expect, it } from 'vitest';
import { denied, known, type Known } from '../model/fact.ts';
import type { ConfigDirective, NginxConfig, NginxInstance } from '../model/facts/nginx.ts';
import nginxConfig from './nginx-config.ts';
import { runCollector, type FakeHost } from './testing.ts';

const instance: NginxInstance = {
  id: 'nginx',
  running: true,
  masterPid: 100,
  masterUid: 0,
  masterGid: 0,
  binary: '/usr/sbin/nginx',
  prefix: '/usr/share/nginx',
  configPath: '/etc/nginx/nginx.conf',
  globalDirectives: '',
  version: '1.22.1',
  flavour: 'nginx',
  configureArguments: '',
  workers: [],
};

function collect(host: FakeHost, change: Partial<NginxInstance> = {}): NginxConfig {
  const { fact } = runCollector(nginxConfig, { 'nginx-instances': known([{ ...instance, ...change }]) }, host);
  if (fact.state !== 'known' || fact.value[0] === undefined) throw new Error(JSON.stringify(fact));
  return fact.value[0];
}

/** The tree as `name args`, with what stands in blocks and includes below it. */
function outline(directives: readonly ConfigDirective[], indent = ''): string[] {
  return directives.flatMap(directive => {
    const inner = [...(directive.block ?? []), ...(directive.included ?? []).flatMap(file => file.directives)];
    return [`${indent}${[directive.name, ...directive.args.map(arg => arg.value)].join(' ')}`, ...outline(inner, `${indent}  `)];
  });
}

describe('nginx-config', () => {
  it('reads the closure: relative to the main folder wherever the include stands, globs in C order, links', () => {
    const config = collect({
      files: {
        '/etc/nginx/nginx.conf': 'events {}\nhttp {\n  include mime.types;\n  include sites-enabled/*;\n}\n',
        '/etc/nginx/mime.types': 'types { text/html html; }\n',
        '/etc/nginx/sites-enabled/b': 'server { listen 81; }\n',
        '/etc/nginx/sites-enabled/A': 'server { include snippets/x.conf; }\n',
        '/etc/nginx/snippets/x.conf': 'listen 80;\n',
      },
      folders: { '/etc/nginx/sites-enabled': ['A', 'b', '.hidden'] },
      stats: {
        '/etc/nginx/sites-enabled/A': { kind: 'link', modifiedMs: 5, realPath: '/etc/nginx/sites-available/A' },
        '/etc/nginx/sites-available/A': { modifiedMs: 9 },
        '/etc/nginx/sites-enabled/b': { modifiedMs: 7 },
      },
    });
    expect(outline(config.directives)).toEqual([
      'events',
      'http',
      '  include mime.types',
      '    types',
      '      text/html html',
      '  include sites-enabled/*',
      '    server',
      '      include snippets/x.conf',
      '        listen 80',
      '    server',
      '      listen 81',
    ]);
    expect(config).toMatchObject({ mainPath: '/etc/nginx/nginx.conf', problems: [], unread: [] });
    expect(Object.fromEntries(config.files.map(file => [file.path, file.modifiedMs]))).toMatchObject({
      '/etc/nginx/sites-enabled/A': 9,
      '/etc/nginx/sites-enabled/b': 7,
    });
  });

  it('stops at an include loop and says where it closes', () => {
    const config = collect({
      files: {
        '/etc/nginx/nginx.conf': 'http {\n  include a.conf;\n}\n',
        '/etc/nginx/a.conf': '# x\ninclude b.conf;\n',
        '/etc/nginx/b.conf': 'include a.conf;\nserver_tokens off;\n',
      },
    });
    expect(outline(config.directives)).toEqual(['http', '  include a.conf', '    include b.conf', '      include a.conf', '      server_tokens off']);
    expect(config.problems).toEqual([{ path: '/etc/nginx/b.conf', line: 1, text: 'includes /etc/nginx/a.conf, which is being read already: an include loop' }]);
  });

  it('tells a missing file from one that may not be read, and from a pattern without match', () => {
    const config = collect({
      files: {
        '/etc/nginx/nginx.conf': 'http {\n  include gone.conf;\n  include /root/secret.conf;\n  include none/*.conf;\n  include private/*.conf;\n}\n',
        '/root/secret.conf': denied('/root/secret.conf: permission denied'),
      },
      folders: { '/etc/nginx/private': denied('/etc/nginx/private: permission denied') },
    });
    expect(config.problems).toEqual([{ path: '/etc/nginx/nginx.conf', line: 2, text: 'includes /etc/nginx/gone.conf, which does not exist' }]);
    expect(config.unread.map(file => file.path).toSorted()).toEqual(['/etc/nginx/private', '/root/secret.conf']);
  });

  it('puts the directives of -g first', () => {
    const config = collect({ files: { '/etc/nginx/nginx.conf': 'user www-data;\n' } }, { globalDirectives: 'daemon off; pid /run/x.pid;' });
    expect(outline(config.directives)).toEqual(['daemon off', 'pid /run/x.pid', 'user www-data']);
    expect(config.directives[0]).toMatchObject({ path: '-g', line: 1 });
    expect(config.files[0]).toMatchObject({ path: '-g', text: 'daemon off; pid /run/x.pid;' });
  });

  it('keeps the bytes of a file one character each', () => {
    const config = collect({ files: { '/etc/nginx/nginx.conf': '# é\nx "日本";\n' } });
    expect(config.files[0]?.text).toBe(Buffer.from('# é\nx "日本";\n').toString('latin1'));
    expect(config.directives[0]?.args[0]?.value).toBe('日本');
  });

  it('bounds a gigantic file and says so', () => {
    const bytes = new Uint8Array(Buffer.from(`user x;\n${'#\n'.repeat(5_000_000)}`));
    const config = collect({
      answer: request => {
        if (request.kind !== 'read') return undefined;
        const limit = request.options?.limit ?? 0;
        return known({ bytes: bytes.subarray(0, limit), size: bytes.length, atEnd: limit >= bytes.length });
      },
    });
    expect(config.files[0]?.text.length).toBeLessThanOrEqual(8 * 1_048_576);
    expect(config.unread[0]?.why).toMatch(/^only its first \d+ of 10000008 bytes were$/);
  });

  it('bounds an include tree that doubles at every level', () => {
    const files: Record<string, string> = { '/etc/nginx/nginx.conf': 'include f0;' };
    for (let i = 0; i < 25; i += 1) files[`/etc/nginx/f${i}`] = `include f${i + 1};\ninclude f${i + 1};\n`;
    files['/etc/nginx/f25'] = 'x;';
    const config = collect({ files });
    expect(config.problems[0]?.text).toContain('exceeds 2000000 directives');
  });

  it('bounds a chain of includes', () => {
    const files: Record<string, string> = { '/etc/nginx/nginx.conf': 'include f0;' };
    for (let i = 0; i < 100; i += 1) files[`/etc/nginx/f${i}`] = `include f${i + 1};\n`;
    files['/etc/nginx/f100'] = 'x;';
    expect(collect({ files }).problems[0]?.text).toContain('through 30 other files');
  });

  it('is as unknown as the main file, and known for another instance beside it', () => {
    const host: FakeHost = { files: { '/etc/nginx/nginx.conf': denied('permission denied', 'run as root to see it'), '/srv/b.conf': 'events {}' } };
    const run = (...instances: NginxInstance[]): Known<readonly NginxConfig[]> => runCollector(nginxConfig, { 'nginx-instances': known(instances) }, host).fact;
    expect(run(instance)).toEqual(denied('permission denied', 'run as root to see it'));
    const both = run(instance, { ...instance, id: 'nginx@7', configPath: '/srv/b.conf' });
    expect(both).toMatchObject({ state: 'known', problems: ['The configuration of nginx: permission denied (run as root to see it)'] });
    expect(run()).toEqual(known([]));
  });

  it('carries on where the instances are not known', () => {
    const unknown = denied('no /proc');
    expect(runCollector(nginxConfig, { 'nginx-instances': unknown }, {}).fact).toBe(unknown);
  });
});
