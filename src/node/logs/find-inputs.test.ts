import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findInputs } from './find-inputs.ts';
import { expandGlob } from './glob.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'inputs-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(...names: string[]): readonly string[] {
  for (const name of names) writeFileSync(join(folder, name), name);
  return names.map(name => join(folder, name));
}

async function found(...paths: string[]): Promise<readonly string[]> {
  return (await findInputs(paths)).map(input => `${input.kind} ${basename(input.path)}`);
}

describe('finding inputs', () => {
  it('takes of a named file only itself, and of its pattern all rotated ones in the order of time', async () => {
    const names = put('access.log', 'access.log.1', 'access.log.2.gz', 'access.log.10.gz', 'error.log');
    expect(await found(join(folder, 'access.log'))).toEqual(['file access.log']);
    const family = ['file access.log.10.gz', 'file access.log.2.gz', 'file access.log.1', 'file access.log'];
    expect(await found(join(folder, 'access.log*'))).toEqual(family);
    // As a shell expands it.
    expect(await found(...names.slice(0, 4))).toEqual(family);
  });

  it('takes the logs of a folder, whatever the product calls them, and nothing else', async () => {
    put('access.log', 'access_log', 'ssl_access_log-20261121.gz', 'error.log.1', 'login.html', 'logo.png', 'catalogue.txt', '.hidden.log', 'nginx.pid');
    mkdirSync(join(folder, 'old.log'));
    expect([...(await found(folder))].sort()).toEqual(['file access.log', 'file access_log', 'file error.log.1', 'file ssl_access_log-20261121.gz']);
  });

  it('counts a file once, whichever names lead to it', async () => {
    put('a.log');
    linkSync(join(folder, 'a.log'), join(folder, 'hard.log'));
    symlinkSync(join(folder, 'a.log'), join(folder, 'soft.log'));
    const inputs = await findInputs([join(folder, 'a.log'), join(folder, 'a.log'), join(folder, 'soft.log'), join(folder, 'hard.log')]);
    expect(inputs).toHaveLength(1);
    expect(inputs[0]).toMatchObject({ kind: 'file', notes: [expect.stringContaining('soft.log is the same file'), expect.stringContaining('hard.log')] });
  });

  it('says why something is not read, and never opens it', async () => {
    const server = createServer().listen(join(folder, 'socket.log'));
    await new Promise(resolve => server.once('listening', resolve));
    execFileSync('mkfifo', [join(folder, 'fifo.log')]);
    symlinkSync('loop.log', join(folder, 'loop.log'));
    mkdirSync(join(folder, 'empty'));
    const whys = new Map<string, string>();
    for (const name of ['socket.log', 'loop.log', 'gone.log', 'gone*.log', 'empty', '*.log', 'socket.log/x']) {
      for (const input of await findInputs([join(folder, name)])) if (input.kind === 'unread') whys.set(`${name}: ${basename(input.path)}`, input.why);
    }
    expect(Object.fromEntries(whys)).toEqual({
      'socket.log: socket.log': 'it is a socket, not a file',
      'loop.log: loop.log': 'it is a loop of links',
      'gone.log: gone.log': 'it does not exist',
      'gone*.log: gone*.log': 'no file has such a name',
      'empty: empty': 'no file in this folder is named like a log',
      '*.log: fifo.log': 'it is a fifo; name it itself to have it read',
      '*.log: loop.log': 'it is a loop of links',
      '*.log: socket.log': 'it is a socket, not a file',
      'socket.log/x: x': 'it does not exist: a part of the path is not a folder',
    });
    expect(await found(join(folder, 'fifo.log'))).toEqual(['fifo fifo.log']);
    expect(await found('/dev/zero')).toEqual(['unread zero']);
    server.close();
  });

  it('takes a name with a star in it for what it is', async () => {
    put('a*.log', 'ab.log');
    expect(await found(join(folder, 'a*.log'))).toEqual(['file a*.log']);
  });

  it('knows stdin once, and units of the journal', async () => {
    expect((await findInputs(['-', '-'], ['nginx.service'])).map(input => input.kind)).toEqual(['journal', 'stdin']);
  });
});

describe('patterns', () => {
  it('match as in a shell', async () => {
    put('a1.log', 'a2.log', 'b1.log', 'a].log', '.a1.log', 'a(1).log');
    mkdirSync(join(folder, 'd1'));
    writeFileSync(join(folder, 'd1/a1.log'), '');
    const names = async (pattern: string) => (await expandGlob(join(folder, pattern))).map(path => path.slice(folder.length + 1));
    expect(await names('a?.log')).toEqual(['a1.log', 'a2.log', 'a].log']);
    expect(await names('[ab]1.log')).toEqual(['a1.log', 'b1.log']);
    expect(await names('[!a]1.log')).toEqual(['b1.log']);
    expect(await names('a[]].log')).toEqual(['a].log']);
    expect(await names('a[1-9].log')).toEqual(['a1.log', 'a2.log']);
    expect(await names('a[9-1].log')).toEqual([]);
    expect(await names('a(*).log')).toEqual(['a(1).log']);
    expect(await names('d?/a*')).toEqual(['d1/a1.log']);
    expect(await names('.a*')).toEqual(['.a1.log']);
    expect(await names('x[/a')).toEqual([]);
  });
});
