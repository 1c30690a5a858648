import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { FixPlan } from '../../src/core/model/finding.ts';
import { lineDiff } from '../../src/core/model/fix.ts';

/** An nginx in a folder, real where the machine has one: a site behind a link, a snippet with two names, bytes that are no UTF-8. */
export interface SmallNginx {
  readonly folder: string;
  readonly nginx: string;
  readonly pid: number;
  /** Answers of the site: `old` before the plan, `new` after it; undefined where it does not answer, or is not real. */
  ask(): Promise<string | undefined>;
  /** Whether the configuration passes its test. */
  test(): boolean;
  /** Resolves when it is gone: a folder is not removed while it still writes there. */
  stop(): Promise<void>;
}

const realNginx = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/bin/nginx'].find(path => existsSync(path));
export const isRealNginx = realNginx !== undefined;
const odd = Buffer.from([0x23, 0x20, 0xe9, 0xff, 0xc3, 0x28, 0x0a]);

/** The paths that the plan of `planFor` changes. */
export function changedFiles(folder: string): readonly string[] {
  return ['sites-available/shop', 'snippets/proxy.conf', 'conf.d/badhop-made.conf'].map(name => join(folder, name));
}

/** Two edits, one of a file with another name, and a new file in a new folder; then the reload. */
export function planFor({ folder, pid, nginx }: Pick<SmallNginx, 'folder' | 'pid' | 'nginx'>): FixPlan {
  const edit = (path: string, line: number, before: string, after: string) =>
    ({ kind: 'edit', path: join(folder, path), line, before, after, diff: lineDiff(path, line, before, after) }) as const;
  const reload = ['kill', '-HUP', String(pid)];
  return {
    id: 'change-answer',
    summary: 'Answer something new',
    automatic: true,
    risk: 'low',
    minutes: 1,
    steps: [
      edit('sites-enabled/shop', 4, '  location / { return 200 old; }', '  location / { return 200 new; }'),
      edit('snippets/proxy.conf', 2, 'proxy_read_timeout 7s;', 'proxy_read_timeout 70s;\nproxy_send_timeout 70s;'),
      edit('conf.d/badhop-made.conf', 1, '', 'map $host $made {\n  default 1;\n}\n'),
      { kind: 'command', argv: reload, undo: reload, disruptive: false, why: 'it reads its files anew' },
    ],
    validate: [[nginx, '-t', '-p', `${folder}/`, '-c', join(folder, 'nginx.conf')]],
    verify: 'it answers',
  };
}

export async function startSmallNginx(folder: string): Promise<SmallNginx> {
  const port = await freePort();
  for (const name of ['sites-available', 'sites-enabled', 'snippets', 'temp']) mkdirSync(join(folder, name));
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `  ${name}_temp_path ${folder}/temp;`).join('\n');
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off;\nworker_processes 1;\npid ${folder}/nginx.pid;\nerror_log ${folder}/error.log;\nevents {}\nhttp {\n  access_log off;\n${temp}\n  include ${folder}/conf.d/*.conf;\n  include ${folder}/sites-enabled/*;\n}\n`,
  );
  writeFileSync(
    join(folder, 'sites-available', 'shop'),
    Buffer.concat([odd, Buffer.from(`server {\n  listen 127.0.0.1:${port};\n  location / { return 200 old; }\n  include ${folder}/snippets/proxy.conf;\n}\n`)]),
  );
  symlinkSync(join(folder, 'sites-available', 'shop'), join(folder, 'sites-enabled', 'shop'));
  writeFileSync(join(folder, 'snippets', 'proxy.conf'), Buffer.concat([odd, Buffer.from('proxy_read_timeout 7s;\n')]));
  chmodSync(join(folder, 'snippets', 'proxy.conf'), 0o640);
  linkSync(join(folder, 'snippets', 'proxy.conf'), join(folder, 'snippets', 'also-proxy'));
  const nginx = realNginx ?? writeFakeNginx(folder);
  const child: ChildProcess = isRealNginx
    ? spawn(nginx, ['-p', `${folder}/`, '-c', join(folder, 'nginx.conf')], { stdio: 'ignore' })
    : spawn(process.execPath, ['-e', 'process.on("SIGHUP", () => {}); setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  const gone = new Promise<void>(done => {
    child.once('exit', () => done());
  });
  const small: SmallNginx = {
    folder,
    nginx,
    pid: child.pid ?? 0,
    ask: () => (isRealNginx ? answerOf(port) : Promise.resolve(undefined)),
    test: () => spawnSync(nginx, ['-t', '-p', `${folder}/`, '-c', join(folder, 'nginx.conf')]).status === 0,
    async stop() {
      child.kill('SIGTERM');
      await gone;
    },
  };
  if (!isRealNginx) return small;
  for (let tries = 0; tries < 100 && (await small.ask()) === undefined; tries++) await pause(20);
  return small;
}

/** What each changed file is: bytes, owner and mode; and all names in the folder. */
export function pictureOf(folder: string): string {
  const files = changedFiles(folder).map(path => {
    if (!existsSync(path)) return `${path} absent`;
    const { uid, gid, mode, nlink } = statSync(path);
    return `${path} ${uid}:${gid} ${mode.toString(8)} ${nlink} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`;
  });
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => !/(?:^|\/)(?:temp|nginx\.pid|error\.log)/.test(name));
  return [...files, ...names.sort()].join('\n');
}

export function pause(ms: number): Promise<void> {
  return new Promise(done => {
    setTimeout(done, ms);
  });
}

/** Refuses a configuration with a line that is cut off: what a half-written file looks like. */
function writeFakeNginx(folder: string): string {
  const path = join(folder, 'nginx');
  const script = `#!/bin/sh\nfor f in ${folder}/sites-enabled/* ${folder}/snippets/*.conf ${folder}/conf.d/*.conf; do\n  [ -e "$f" ] || continue\n  if grep -av '^ *#' "$f" | grep -aqv '[;{}] *$'; then echo "unexpected end in $f" >&2; exit 1; fi\ndone\n`;
  writeFileSync(path, script, { mode: 0o755 });
  return path;
}

function freePort(): Promise<number> {
  return new Promise(done => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => done(port));
    });
  });
}

function answerOf(port: number): Promise<string | undefined> {
  return new Promise(done => {
    get({ host: '127.0.0.1', port, path: '/', agent: false, timeout: 2000 }, response => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
      response.on('end', () => done(body));
    })
      .on('error', () => done(undefined))
      .on('timeout', () => done(undefined));
  });
}
