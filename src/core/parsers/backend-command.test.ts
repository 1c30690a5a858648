import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ServiceKind } from '../model/facts/backend.ts';
import { formatAddress } from '../model/host.ts';
import { parseExecStart, recogniseCommand, splitWords } from './backend-command.ts';
import { parseBackendConfigFile } from './backend-config-file.ts';
import { configFilesOf, listenOf, readBackendOptions } from './backend-options.ts';
import { parseListenAddress } from './listen-address.ts';
import { parseSsServer, parseSsUnixUnread } from './ss-server.ts';

function listens(line: string, sort: 'process' | 'unit' = 'unit'): [ServiceKind | undefined, ...string[]] {
  const argv = splitWords(line);
  const found = recogniseCommand(argv, sort) ?? { service: 'other' as const, args: argv.slice(1) };
  const { values } = readBackendOptions(found.service, found.args, 'x');
  return [found.service, ...listenOf(found.service, values, found.args, '/srv').map(item => `${item.speaks ?? '?'} ${formatAddress(item.address.value)}`)];
}

describe('command lines', () => {
  it.each([
    ['/usr/bin/python3 /usr/bin/gunicorn -w 2 -b 127.0.0.1:9201 app', ['gunicorn', 'http 127.0.0.1:9201']],
    ['/usr/bin/python3 -m gunicorn --bind=unix:run/x.sock -b[::1]:80 app', ['gunicorn', 'http unix:/srv/run/x.sock', 'http [::1]:80']],
    ['/srv/venv/bin/gunicorn app:app', ['gunicorn', 'http 127.0.0.1:8000']],
    ["/bin/sh -c 'cd /srv && exec gunicorn -b :5000 app'", ['gunicorn', 'http *:5000']],
    ['/usr/bin/env PORT=1 poetry run gunicorn --bind 0.0.0.0:81 x', ['gunicorn', 'http 0.0.0.0:81']],
    ['uwsgi --socket /run/a.sock --http-socket=:8080', ['uwsgi', 'uwsgi unix:/run/a.sock', 'http *:8080']],
    ['uwsgi --socket /run/a.sock --protocol=http', ['uwsgi', 'http unix:/run/a.sock']],
    ['uwsgi --socket 127.0.0.1:1 --protocol scgi', ['uwsgi', '? 127.0.0.1:1']],
    ['/usr/bin/uvicorn app:app --host 0.0.0.0 --port 9000', ['uvicorn', 'http 0.0.0.0:9000']],
    ['puma -b tcp://0.0.0.0:9292 -b unix:///run/p.sock?umask=0111', ['puma', 'http 0.0.0.0:9292', 'http unix:/run/p.sock']],
    ['java -jar app.jar --server.port=8081', ['java', 'http *:8081']],
    ['node server.js --port 3000', ['node', 'http *:3000']],
    ['/usr/local/bin/api -addr :8080', ['other', '? *:8080']],
    ['/opt/svc/bin/thing --listen 10.0.0.5:7000', ['other', '? 10.0.0.5:7000']],
    ['php -S 127.0.0.1:8000', ['other', '? 127.0.0.1:8000']],
    ['tail -f /var/log/gunicorn', ['other']],
    ['/usr/bin/rsync --daemon --bind /srv/data', ['other']],
    ['/usr/sbin/php-fpm8.2 --nodaemonize --fpm-config /etc/php/8.2/fpm/php-fpm.conf', ['php-fpm']],
  ])('%s', (line, expected) => {
    expect(listens(line)).toEqual(expected);
  });

  it.each([
    ['php-fpm: pool shop', { service: 'php-fpm', role: 'worker', app: 'shop' }],
    ['gunicorn: master [shop.wsgi]', { service: 'gunicorn', role: 'master', app: 'shop.wsgi' }],
    ['puma 5.6.5 (tcp://127.0.0.1:9501) [bk]                  ', { service: 'puma', role: 'master', binds: ['tcp://127.0.0.1:9501'] }],
    ['puma: cluster worker 0: 18496 [bk]', { service: 'puma', role: 'worker' }],
    ['PM2 v5.3.0: God Daemon (/root/.pm2)', { service: 'node', role: 'master', app: 'PM2' }],
    ['unicorn master -c config/unicorn.rb -D', { service: 'unicorn', role: 'master' }],
  ])('knows the title %s', (title, expected) => {
    expect(recogniseCommand([title], 'process')).toMatchObject(expected);
  });

  it('does not take a shell or sudo for the server that it started', () => {
    expect(recogniseCommand(['sh', '-c', 'gunicorn app'], 'process')).toBeUndefined();
    expect(recogniseCommand(['sudo', 'gunicorn', 'app'], 'process')).toBeUndefined();
  });

  it('reads ExecStart in both forms', () => {
    expect(parseExecStart('{ path=/usr/bin/x ; argv[]=/usr/bin/x -b :80 ; ignore_errors=no ; }')).toEqual(['/usr/bin/x', '-b', ':80']);
    expect(parseExecStart('-/usr/bin/x "a b"')).toEqual(['/usr/bin/x', 'a b']);
  });

  it('finds the files that are named', () => {
    const files = (kind: ServiceKind, ...args: string[]): readonly string[] => {
      const { values, words } = readBackendOptions(kind, args, 'x');
      return configFilesOf(kind, values, words, '/srv');
    };
    expect(files('gunicorn', '-c', 'conf.py', 'app')).toEqual(['/srv/conf.py']);
    expect(files('gunicorn', 'app')).toEqual(['/srv/gunicorn.conf.py']);
    expect(files('uwsgi', '--ini', '/a.ini', '--ini', 'b.ini')).toEqual(['/a.ini', '/srv/b.ini']);
    expect(files('tomcat', '-Dcatalina.base=/var/lib/tomcat10')).toEqual(['/var/lib/tomcat10/conf/server.xml']);
  });
});

describe('configuration files', () => {
  const read = (kind: ServiceKind, text: string, path: string): Record<string, string> =>
    Object.fromEntries(
      Object.entries(parseBackendConfigFile(kind, text, path)).map(([key, item]) => [
        key,
        `${item.value} @${item.source.slice(item.source.lastIndexOf(':') + 1)}`,
      ]),
    );

  it('reads gunicorn.conf.py without running it', () => {
    const text = `import multiprocessing\n# bind = "no"\nbind = [\n  "127.0.0.1:9203",  # a ] comment\n  'unix:/run/g.sock',\n]\nworkers = multiprocessing.cpu_count() * 2 + 1\ntimeout = 45  # s\nerrorlog = '-'\ndef post_fork(server, worker):\n    timeout = 3\nif x == 1:\n    backlog = 3\n`;
    expect(read('gunicorn', text, '/srv/g.py')).toEqual({
      bind: '127.0.0.1:9203,unix:/run/g.sock @3',
      workers: ' @7',
      timeout: '45 @8',
      'error-logfile': '- @9',
      backlog: ' @13',
    });
    expect(read('gunicorn', 'timeout = 9\nfrom base import *\nif a:\n  timeout = 3\n', '/srv/g.py')).toEqual({ timeout: ' @4', elsewhere: ' @2' });
  });

  it('reads uwsgi.ini with its placeholders', () => {
    const text =
      '[other]\nsocket = no\n[uwsgi]\nname = shop\nsocket = /run/%n/%(name).sock\nsocket = :3031\n; harakiri = 1\nworkers = 4\nmaster\nlogto = /var/log/%(missing).log\n';
    expect(read('uwsgi', text, '/etc/uwsgi/web.ini')).toMatchObject({
      socket: '/run/web/shop.sock @5',
      'socket[1]': ':3031 @6',
      processes: '4 @8',
      logto: '/var/log/%(missing).log @10',
    });
  });

  it('survives placeholders that name each other', () => {
    expect(read('uwsgi', '[uwsgi]\na = %(b)%(b)\nb = %(a)%(a)\n', '/x.ini')['a']?.length).toBeLessThan(20_000);
  });

  it('reads puma.rb and unicorn.rb', () => {
    expect(read('puma', 'bind \'tcp://127.0.0.1:9704\'\nthreads 1, 5\nworkers ENV.fetch("WEB") { 3 }\n# port 1\nport 3000\n', '/p.rb')).toEqual({
      bind: 'tcp://127.0.0.1:9704 @1',
      threads: '1:5 @2',
      workers: '3 @3',
      port: '3000 @5',
    });
    expect(read('unicorn', 'timeout computed\nlisten ENV["L"]\nworker_processes 4 if ENV["BIG"]\n', '/u.rb')).toEqual({
      timeout: ' @1',
      listen: ' @2',
      workers: ' @3',
    });
    expect(read('unicorn', 'listen "/run/u.sock", backlog: 64\nworker_processes 4\n', '/u.rb')).toEqual({
      listen: '/run/u.sock @1',
      backlog: '64 @1',
      workers: '4 @2',
    });
  });

  it('reads the connectors of server.xml that are no comments', () => {
    const text =
      '<Server>\n<!-- <Connector port="1"/> -->\n<Connector port="8080" protocol="HTTP/1.1"\n  maxThreads="7" />\n<Connector protocol="AJP/1.3" port=\'8009\'/>\n</Server>';
    const values = parseBackendConfigFile('tomcat', text, '/s.xml');
    expect(values['connector[0].maxThreads']).toEqual({ value: '7', source: 'file:/s.xml:4', text: '  maxThreads="7" />' });
    expect(listenOf('tomcat', values, [], undefined).map(item => `${item.speaks} ${formatAddress(item.address.value)}`)).toEqual([
      'http *:8080',
      'ajp localhost:8009',
    ]);
  });
});

describe('ss', () => {
  it('reads listeners, held and waiting connections', () => {
    const text = `LISTEN 1      2048   127.0.0.1:9201 0.0.0.0:* ino:26800 sk:1 cgroup:/ <->\nESTAB 84     0      127.0.0.1:9201  127.0.0.1:52458 ino:0 sk:100a cgroup:/ <->\n\t ts bbr bytes_received:84 lastsnd:564 lastrcv:564 lastack:564\nESTAB 0 0 [::ffff:127.0.0.1]:9201 [::ffff:127.0.0.1]:5 ino:27785 sk:9\n\t bytes_sent:66 bytes_received:160 lastsnd:700 lastrcv:576\n`;
    expect(parseSsServer(text)).toEqual([
      { state: 'LISTEN', host: '127.0.0.1', port: 9201, recvQueue: 1, inode: 26800, bytesSent: 0, bytesReceived: 0 },
      { state: 'ESTAB', host: '127.0.0.1', port: 9201, recvQueue: 84, inode: 0, bytesSent: 0, bytesReceived: 84, lastSentMs: 564, lastReceivedMs: 564 },
      { state: 'ESTAB', host: '127.0.0.1', port: 9201, recvQueue: 0, inode: 27785, bytesSent: 66, bytesReceived: 160, lastSentMs: 700, lastReceivedMs: 576 },
    ]);
  });

  it('reads how many connections were dropped before a listener', () => {
    const text = 'LISTEN 2 1 127.0.0.1:18499 0.0.0.0:*\n\t skmem:(r0,rb131072,t0,tb16384,f0,w0,o0,bl0,d6)\nLISTEN 0 5 *:81 *:*\n\t skmem:(r0)\n';
    expect(parseSsServer(text).map(({ port, drops }) => [port, drops])).toEqual([
      [18_499, 6],
      [81, undefined],
    ]);
  });

  it('counts unread unix connections with and without the state column', () => {
    const text =
      'u_str ESTAB 71 0 /run/gt.sock 40495 * 40493\nu_str 71 0 /run/gt.sock 40505 * 40502\nu_str ESTAB 0 0 /run/gt.sock 1 * 2\nu_str ESTAB 9 0 * 1 * 2\n';
    expect(parseSsUnixUnread(text)).toEqual(new Map([['/run/gt.sock', 2]]));
  });
});

describe('any text', () => {
  const kinds: ServiceKind[] = ['gunicorn', 'uwsgi', 'puma', 'unicorn', 'uvicorn', 'tomcat', 'java', 'node', 'other'];

  it('never throws', () => {
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.array(fc.string({ unit: 'binary' })), fc.string({ unit: 'binary' }), (kind, argv, text) => {
        recogniseCommand(argv, 'unit');
        recogniseCommand(argv, 'process', text);
        const { values, words } = readBackendOptions(kind, argv, 'x');
        listenOf(kind, values, argv, '/x');
        configFilesOf(kind, values, words, undefined);
        parseBackendConfigFile(kind, text, '/x.ini');
        parseExecStart(text);
        parseListenAddress(text);
        parseSsServer(text);
        parseSsUnixUnread(text);
      }),
    );
  });

  it.each(['<', '<Connector a="', ' a = [', 'a=[\n', '%(a', '"', 'bind "', '\n ', ' x:', '<!--', '-->'])('is linear in many %j', piece => {
    const text = piece.repeat(Math.floor(500_000 / piece.length));
    const start = performance.now();
    for (const kind of kinds) parseBackendConfigFile(kind, `[uwsgi]\n${text}`, '/x.ini');
    parseSsServer(text);
    parseListenAddress(text);
    splitWords(text);
    expect(performance.now() - start).toBeLessThan(3000);
  });
});
