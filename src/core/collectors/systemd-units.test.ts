import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Request } from '../model/collector.ts';
import { known } from '../model/fact.ts';
import type { ExecResult } from '../model/host.ts';
import systemdUnits from './systemd-units.ts';
import unitNames from './unit-names.ts';
import { runCollector, TEST_CONTEXT } from './testing.ts';
import type { FakeHost } from './testing.ts';

/** After the samples were taken. */
const later = { ...TEST_CONTEXT, nowMs: TEST_CONTEXT.nowMs + 86_400_000 };
const sample = (path: string): string => readFileSync(new URL(`../parsers/${path}`, import.meta.url), 'utf8');
const printed = (stdout: string, more: Partial<ExecResult> = {}) => known({ stdout, stderr: '', code: 0, truncated: false, ...more });

function host(journal: Partial<ExecResult> = { stdout: sample('journal.fixtures/journalctl-252.txt') }, shown?: string): FakeHost {
  return {
    stats: { '/run/systemd/system': { kind: 'directory' } },
    files: { '/proc/stat': 'btime 1795244991\n' },
    folders: { '/etc/systemd/system': ['stopped.service', 'gunicorn@.service', 'multi-user.target.wants'] },
    answer: (request: Request) => {
      if (request.kind !== 'exec') return undefined;
      if (request.argv[1] === 'list-units') return printed(sample('systemctl.fixtures/list-units-systemd-252.txt'));
      if (request.argv[1] === 'show') return printed(shown ?? sample('systemctl.fixtures/show-systemd-252.txt'));
      return request.argv[0] === 'journalctl' ? printed('', journal) : undefined;
    },
  };
}

const facts = {
  processes: known([
    { pid: 46, ppid: 1, state: 'S', comm: 'php-fpm8.2', argv: ['x'], uid: 0, startMs: 0, rssBytes: 0, threads: 1, cpuMs: 0, unit: 'php8.2-fpm.service' },
  ]),
};

/** With the names from the same host; `asked` holds what both asked. */
function runUnits(from: FakeHost, context = TEST_CONTEXT) {
  const names = runCollector(unitNames, {}, from, context);
  const { fact, asked } = runCollector(systemdUnits, { ...facts, 'unit-names': names.fact }, from, context);
  return { fact, asked: [...names.asked, ...asked] };
}

it('keeps what runs, what is in trouble and what is stopped and local, with times and journal', () => {
  const { fact, asked } = runUnits(host(), later);
  const units = fact.state === 'known' ? fact.value : [];
  expect(units.map(unit => unit.name)).toEqual(['loop.service', 'broken.service', 'stopped.service', 'php8.2-fpm.service', 'nginx.service']);
  expect(units[0]).toMatchObject({
    activeState: 'activating',
    subState: 'auto-restart',
    result: 'exit-code',
    execMainCode: 'exited',
    execMainStatus: 1,
    limitNofile: 1024,
  });
  expect(units[0]?.restartPolicy).toBe('always');
  expect(units[0]).not.toHaveProperty('memoryMax');
  // Whole seconds from the printed time, the rest from the monotonic clock.
  expect(units[0]?.activeEnterMs).toBe(1_795_247_874_675);
  expect(units[1]?.journal.at(-1)?.text).toContain('Stopped broken.service');
  expect(units[2]).toMatchObject({
    activeState: 'inactive',
    execStart: '/usr/bin/python3 -m http.server 8123',
    fragmentPath: '/etc/systemd/system/stopped.service',
  });
  const show = asked.find(request => request.kind === 'exec' && request.argv[1] === 'show');
  const names = show?.kind === 'exec' ? show.argv.slice(show.argv.indexOf('--') + 1) : [];
  expect(names).toEqual(expect.arrayContaining(['stopped.service', 'php8.2-fpm.service', 'broken.service']));
  expect(names.some(name => name.includes('@.') || name.startsWith('systemd-'))).toBe(false);
});

it('asks the units of nginx, and no others, what they close to their processes', () => {
  const base = host();
  const from: FakeHost = {
    ...base,
    answer: request =>
      request.kind === 'exec' && request.argv.includes('ProtectHome')
        ? printed('ProtectHome=yes\nInaccessiblePaths=-/srv/private +/opt/vault\nId=nginx.service\n')
        : base.answer?.(request),
  };
  const nginx = { pid: 9, ppid: 1, state: 'S', comm: 'nginx', argv: ['nginx'], uid: 0, startMs: 0, rssBytes: 0, threads: 1, cpuMs: 0, unit: 'nginx.service' };
  const names = runCollector(unitNames, {}, from, later);
  const { fact, asked } = runCollector(systemdUnits, { processes: known([nginx]), 'unit-names': names.fact }, from, later);
  const units = fact.state === 'known' ? fact.value : [];
  expect(units.find(unit => unit.name === 'nginx.service')).toMatchObject({ protectHome: true, inaccessiblePaths: ['/srv/private', '/opt/vault'] });
  expect(units.filter(unit => unit.protectHome !== undefined)).toHaveLength(1);
  const view = asked.find(request => request.kind === 'exec' && request.argv.includes('ProtectHome'));
  expect(view?.kind === 'exec' && view.argv.slice(-2)).toEqual(['--', 'nginx.service']);
});

it('keeps the addresses at which a unit said that it listens', () => {
  const line = (seconds: number, text: string): string =>
    `${JSON.stringify({ __REALTIME_TIMESTAMP: `${seconds}000000`, _SYSTEMD_UNIT: 'loop.service', SYSLOG_IDENTIFIER: 'gunicorn', MESSAGE: text })}\n`;
  const stdout = line(1, 'Listening at: http://127.0.0.1:8000 (61)') + line(2, 'Listening at: unix:/run/hr/hr.sock (77)') + line(3, 'error at 10.0.0.1:80');
  const { fact } = runUnits(host({ stdout }));
  expect(fact.state === 'known' && fact.value[0]?.saidListens).toMatchObject([
    { address: { kind: 'tcp', host: '127.0.0.1', port: 8000 }, line: { timeMs: 1000 } },
    { address: { kind: 'unix', path: '/run/hr/hr.sock' } },
  ]);
});

it('takes the end of a unit that systemd has forgotten from its journal, of this boot alone', () => {
  const shown =
    'Id=web.service\nLoadState=loaded\nActiveState=inactive\nSubState=dead\nUnitFileState=enabled\nExecStart={ path=/x ; argv[]=/usr/sbin/web ; ignore_errors=no ; }\n';
  const stopped = (seconds: number) =>
    `{"__REALTIME_TIMESTAMP":"${seconds}000000","UNIT":"web.service","SYSLOG_IDENTIFIER":"systemd","MESSAGE":"Stopped web."}\n`;
  const endOf = (seconds: number): unknown => {
    const { fact } = runUnits(host({ stdout: stopped(seconds) }, shown));
    return fact.state === 'known' && fact.value[0]?.inactiveEnterMs;
  };
  expect(endOf(1_795_246_000)).toBe(1_795_246_000_000);
  expect(endOf(1_795_000_000)).toBeUndefined();
});

it('asks for the sockets that systemd holds for a unit', () => {
  const shown = 'Id=django.service\nLoadState=loaded\nActiveState=failed\nSubState=failed\nTriggeredBy=django.socket django.timer\n';
  const socket =
    'Listen=/run/django.sock (Stream)\nListen=[::]:8000 (Stream)\nListen=/run/django.log (Datagram)\nId=django.socket\nActiveState=failed\nResult=x\n';
  const plain = host({}, shown);
  const answer: FakeHost['answer'] = request =>
    request.kind === 'exec' && request.argv.at(-1) === 'django.socket' ? printed(socket) : plain.answer?.(request);
  const { fact } = runUnits({ ...plain, answer });
  expect(fact.state === 'known' && fact.value[0]?.sockets).toEqual([
    {
      name: 'django.socket',
      activeState: 'failed',
      result: 'x',
      addresses: [
        { kind: 'unix', path: '/run/django.sock' },
        { kind: 'tcp', host: '::', port: 8000 },
      ],
    },
  ]);
});

it('says when the journal is denied', () => {
  const { fact } = runUnits(host({ code: 1, stderr: 'No journal files were opened due to insufficient permissions.\n' }));
  expect(fact).toMatchObject({ state: 'known', problems: [expect.stringContaining('systemd-journal')] });
});

it('redacts secrets in a command line', () => {
  const shown =
    'Id=api.service\nLoadState=loaded\nActiveState=failed\nSubState=failed\nExecStart={ path=/x ; argv[]=/x --token abc --port 80 ; ignore_errors=no ; }\n';
  const { fact } = runUnits(host({}, shown));
  expect(fact.state === 'known' && fact.value[0]?.execStart).toBe('/x --token [redacted] --port 80');
});

it('asks again without fields where journalctl does not know them, and for quiet units where a talkative one took all lines', () => {
  const old = runUnits(host({ code: 1, stderr: "journalctl: unrecognized option '--output-fields=x'\n" }));
  expect(old.asked.filter(request => request.kind === 'exec' && request.argv[0] === 'journalctl')).toHaveLength(2);
  const line = '{"__REALTIME_TIMESTAMP":"1795246204342251","UNIT":"loop.service","MESSAGE":"again"}\n';
  const loud = runUnits(host({ stdout: line.repeat(1500) }));
  const journals = loud.asked.filter(request => request.kind === 'exec' && request.argv[0] === 'journalctl');
  expect(journals[1]?.kind === 'exec' && journals[1].argv).toEqual(expect.arrayContaining(['broken.service', 'nginx.service']));
  expect(journals[1]?.kind === 'exec' && journals[1].argv.includes('loop.service')).toBe(false);
  expect(loud.fact.state === 'known' && loud.fact.value[0]?.journal).toHaveLength(40);
});

it('is absent where systemd does not run', () => {
  const { fact, asked } = runUnits({});
  expect(fact.state).toBe('absent');
  expect(asked.some(request => request.kind === 'exec')).toBe(false);
});

it('leaves out lines that were written while the clock was ahead, and says so', () => {
  const { fact } = runUnits(host(), { ...TEST_CONTEXT, nowMs: TEST_CONTEXT.nowMs - 86_400_000 });
  expect(fact.state === 'known' && fact.value.every(unit => unit.journal.length === 0)).toBe(true);
  expect(fact.state === 'known' ? fact.problems : []).toContainEqual(expect.stringMatching(/^\d+ lines of the journal carry a time in the future/));
});
