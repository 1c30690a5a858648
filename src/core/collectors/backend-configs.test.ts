import { describe, expect, it } from 'vitest';
import { denied, known } from '../model/fact.ts';
import type { ProcessInfo, SystemdUnit } from '../model/facts/system.ts';
import backendConfigs from './backend-configs.ts';
import { runCollector } from './testing.ts';
import type { FakeHost } from './testing.ts';

function process(pid: number, line: string, cwd = '/srv'): ProcessInfo {
  return { pid, ppid: 1, state: 'S', comm: 'x', argv: line.split(' '), cwd, uid: 0, startMs: 0, rssBytes: 0, threads: 1, cpuMs: 0 };
}

function run(processes: readonly ProcessInfo[], host: FakeHost) {
  const { fact, asked } = runCollector(backendConfigs, { processes: known(processes), 'systemd-units': known([]) }, host);
  if (fact.state !== 'known') throw new Error(fact.why);
  return { ...fact.value, problems: fact.problems ?? [], asked };
}

describe('backend configs', () => {
  it('reads the file named on the command line, which the command line overrules', () => {
    const { commands } = run([process(5, '/usr/bin/python3 /usr/bin/gunicorn -c conf.py -w 4 app')], {
      files: { '/srv/conf.py': 'bind = ["127.0.0.1:9203", "unix:/run/g.sock"]\nworkers = 3\ntimeout = 45\n' },
    });
    expect(commands).toMatchObject([
      {
        of: { kind: 'process', pid: 5 },
        service: 'gunicorn',
        listen: [{ address: { value: { port: 9203 }, source: 'file:/srv/conf.py:1' } }, { address: { value: { path: '/run/g.sock' } } }],
        values: { workers: { value: '4', source: 'argv of 5' }, timeout: { value: '45', source: 'file:/srv/conf.py:3' } },
        configFiles: ['/srv/conf.py'],
      },
    ]);
  });

  it('adds up the sockets of several uWSGI files', () => {
    const { commands } = run([process(6, 'uwsgi --ini /a.ini --ini /b.ini --http-socket :8080')], {
      files: { '/a.ini': '[uwsgi]\nsocket = /run/a.sock\nharakiri = 5\n', '/b.ini': '[uwsgi]\nsocket = /run/b.sock\nharakiri = 9\n' },
    });
    expect(commands[0]?.listen.map(item => item.address.value)).toMatchObject([{ path: '/run/a.sock' }, { path: '/run/b.sock' }, { port: 8080 }]);
    expect(commands[0]?.values['harakiri']?.value).toBe('9');
  });

  it('follows the files that a uWSGI file includes, which it overrules itself', () => {
    const { commands } = run([process(6, 'uwsgi --ini /etc/uwsgi/web.ini')], {
      files: {
        '/etc/uwsgi/web.ini': '[uwsgi]\nini = %dbase.ini\nprocesses = 4\ninclude = $(X).ini\ninclude = http://192.0.2.1/x.ini\n',
        '/etc/uwsgi/base.ini':
          '[uwsgi]\nsocket = 127.0.0.1:3031\nsocket = @(/etc/port)\nprocesses = 2\nharakiri = 9\nini = /etc/uwsgi/web.ini\nini = /etc/uwsgi/base.ini\n',
      },
    });
    expect(commands[0]).toMatchObject({ values: { processes: { value: '4' }, harakiri: { value: '9', source: 'file:/etc/uwsgi/base.ini:5' } } });
    expect(commands[0]?.listen.map(item => item.address.value)).toEqual([{ kind: 'tcp', host: '127.0.0.1', port: 3031 }]);
  });

  it('keeps what no program of a known name does only where it tells an address', () => {
    const { commands } = run([process(7, 'bash -l'), process(8, '/opt/api -addr :9090'), process(9, 'vim gunicorn')], {});
    expect(commands.map(command => command.of)).toEqual([{ kind: 'process', pid: 8 }]);
  });

  it('assumes no default address behind a title, which hides the options', () => {
    expect(run([{ ...process(10, 'x'), argv: ['gunicorn: master [shop]'] }], {}).commands).toMatchObject([{ role: 'master', listen: [] }]);
  });

  it('says which files this user may not read, and reads no relative path', () => {
    const { cwd: _cwd, ...noFolder } = process(12, 'uwsgi --ini x.ini');
    const { unread, problems, asked } = run([process(11, 'uwsgi --ini /secret.ini'), noFolder], { files: { '/secret.ini': denied('permission denied') } });
    expect(unread.map(file => file.path).toSorted()).toEqual(['/secret.ini', 'x.ini']);
    expect(problems).toHaveLength(2);
    expect(asked).not.toContainEqual(expect.objectContaining({ path: 'x.ini' }));
  });

  it("reads the options that gunicorn's unit hands to it, and no other variable", () => {
    const unit = {
      name: 'shop.service',
      fragmentPath: '/etc/systemd/system/shop.service',
      dropIns: ['/etc/systemd/system/shop.service.d/more.conf'],
      journal: [],
    };
    const { fact } = runCollector(
      backendConfigs,
      {
        processes: known([{ ...process(5, '/usr/bin/python3 /usr/bin/gunicorn --workers 4 app'), unit: 'shop.service' }, process(6, 'gunicorn other')]),
        'systemd-units': known([unit as unknown as SystemdUnit]),
      },
      {
        files: {
          '/srv/gunicorn.conf.py': 'timeout = 45\nkeepalive = 3\n',
          '/etc/systemd/system/shop.service': '[Service]\nEnvironment=API_KEY=abc "GUNICORN_CMD_ARGS=--timeout 10"\n',
          '/etc/systemd/system/shop.service.d/more.conf': '[Service]\nEnvironment="GUNICORN_CMD_ARGS=--timeout 90 --workers=9"\n',
        },
      },
    );
    const commands = fact.state === 'known' ? fact.value.commands : [];
    expect(commands[0]?.values).toMatchObject({
      timeout: { value: '90', source: 'file:/etc/systemd/system/shop.service.d/more.conf:2' },
      workers: { value: '4', source: 'argv of 5' },
      'keep-alive': { value: '3', source: 'file:/srv/gunicorn.conf.py:2' },
    });
    expect(commands[1]?.values['timeout']).toMatchObject({ value: '45' });
    expect(JSON.stringify(fact)).not.toContain('abc');
  });

  it('takes the address of a stopped program from what it said in its journal', () => {
    const unit = {
      name: 'cart.service',
      description: '',
      loadState: 'loaded',
      activeState: 'failed',
      subState: 'failed',
      result: '',
      restarts: 0,
      mainPid: 0,
      execMainStatus: 1,
      execMainCode: '',
      dropIns: [],
      execStart: '/usr/bin/node /srv/cart.js',
      journal: [
        { timeMs: 1, identifier: 'node', text: 'cart listening on 127.0.0.1:8033' },
        { timeMs: 2, identifier: 'systemd', text: 'Started on port 1' },
      ],
    };
    const { fact } = runCollector(backendConfigs, { processes: known([]), 'systemd-units': known([unit]) }, {});
    expect(fact).toMatchObject({
      value: { commands: [{ service: 'node', listen: [{ address: { value: { host: '127.0.0.1', port: 8033 }, source: 'journal:cart.service' } }] }] },
    });
  });

  it('reads nothing for processes in containers, whose paths are not of this host', () => {
    const { commands, asked } = run([process(13, 'uwsgi --ini /a.ini')], {
      stats: { '/proc/self/ns/pid': { kind: 'link', target: 'pid:[1]' }, '/proc/13/ns/pid': { kind: 'link', target: 'pid:[2]' } },
    });
    expect(commands).toMatchObject([{ inContainer: true, configFiles: [] }]);
    expect(asked.some(request => request.kind === 'read')).toBe(false);
  });
});
