import { describe, expect, it } from 'vitest';
import type { Request } from '../model/collector.ts';
import { absent, denied, known, type Known } from '../model/fact.ts';
import { expandGlobs } from './glob.ts';

type Folders = Readonly<Record<string, readonly string[] | 'denied'>>;

function expand(folders: Folders, ...patterns: string[]): { readonly results: ReturnType<typeof run>; readonly asked: string[] } {
  const asked: string[] = [];
  return { results: run(folders, patterns, asked), asked };
}

function run(folders: Folders, patterns: string[], asked: string[]): readonly { pattern: string; paths: readonly string[]; unread: readonly unknown[] }[] {
  const steps = expandGlobs(patterns);
  let step = steps.next();
  while (step.done !== true) {
    step = steps.next(
      step.value.map((request: Request): Known<unknown> => {
        const path = request.kind === 'list' ? request.path : '';
        asked.push(path);
        const names = folders[path];
        return names === undefined ? absent(path) : names === 'denied' ? denied(`${path}: permission denied`) : known(names);
      }),
    );
  }
  return step.value;
}

describe('expandGlobs', () => {
  const folders = {
    '/etc/nginx/conf.d': ['b.conf', 'Z.conf', 'a.conf', 'a.conf.bak', '.hidden.conf', '10-x.conf'],
    '/etc/nginx/sites': ['one', 'two', 'README'],
    '/etc/nginx/sites/one': ['server.conf', 'other.txt'],
    '/etc/nginx/sites/two': ['other.txt'],
    '/etc/nginx/secret': 'denied',
  } as const;

  it('sorts by bytes and leaves hidden files out', () => {
    const { results } = expand(folders, '/etc/nginx/conf.d/*.conf');
    expect(results[0]?.paths).toEqual(['10-x.conf', 'Z.conf', 'a.conf', 'b.conf'].map(name => `/etc/nginx/conf.d/${name}`));
  });

  it('matches folders too, and demands a plain last part', () => {
    const { results } = expand(folders, '/etc/nginx/sites/*/server.conf', '/etc/nginx/sites/[!R]*/*.txt');
    expect(results.map(result => result.paths)).toEqual([
      ['/etc/nginx/sites/one/server.conf'],
      ['/etc/nginx/sites/one/other.txt', '/etc/nginx/sites/two/other.txt'],
    ]);
  });

  it('lists each folder once', () => {
    const { asked } = expand(folders, '/etc/nginx/conf.d/*.conf', '/etc/nginx/conf.d/*.bak');
    expect(asked).toEqual(['/etc/nginx/conf.d']);
  });

  it('asks nothing for a plain path', () => {
    expect(expand(folders, '/etc/nginx/x.conf')).toEqual({ results: [{ pattern: '/etc/nginx/x.conf', paths: ['/etc/nginx/x.conf'], unread: [] }], asked: [] });
  });

  it('tells a folder that may not be listed from an empty one', () => {
    const { results } = expand(folders, '/etc/nginx/secret/*', '/etc/nginx/none/*');
    expect(results[0]).toMatchObject({ paths: [], unread: [{ path: '/etc/nginx/secret' }] });
    expect(results[1]).toMatchObject({ paths: [], unread: [] });
  });
});
