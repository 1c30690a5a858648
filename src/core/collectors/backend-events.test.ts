import { describe, expect, it } from 'vitest';
import { absent, denied, known } from '../model/fact.ts';
import type { Service } from '../model/facts/backend.ts';
import backendEvents from './backend-events.ts';
import { runCollector, TEST_CONTEXT } from './testing.ts';
import type { FakeHost } from './testing.ts';

function pool(name: string, extra: Partial<Service> = {}): Service {
  return {
    id: `php-fpm:${name}`,
    kind: 'php-fpm',
    name,
    workerPids: [],
    listening: [],
    configuredListen: [{ value: { kind: 'unix', path: `/run/${name}.sock` }, source: 'x' }],
    configFiles: [],
    logFiles: ['/var/log/fpm.log'],
    ...extra,
  };
}

function run(services: readonly Service[], host: FakeHost) {
  return runCollector(
    backendEvents,
    { services: known(services), 'systemd-units': known([]), 'managed-programs': known([]), 'php-fpm-pools': absent('x'), 'host-identity': absent('x') },
    host,
  ).fact;
}

function at(secondsBeforeNow: number): string {
  const iso = new Date(TEST_CONTEXT.nowMs - secondsBeforeNow * 1000).toISOString();
  const month = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'][Number(iso.slice(5, 7)) - 1];
  return `[${iso.slice(8, 10)}-${month}-${iso.slice(0, 4)} ${iso.slice(11, 19)}]`;
}

describe('logs', () => {
  it("gives each pool its own lines, and the master's lines to the pool that they name or to all", () => {
    const log = [
      `${at(5000)} NOTICE: fpm is running, pid 1`,
      `${at(4000)} WARNING: [pool a] server reached pm.max_children setting (5), consider raising it`,
      `${at(30)} WARNING: [pool a] server reached pm.max_children setting (5), consider raising it`,
      `${at(20)} WARNING: [pool c] server reached pm.max_children setting (5), consider raising it`,
      `${at(10)} ERROR: unable to bind listening socket for address '/run/b.sock': Address already in use (98)`,
    ].join('\n');
    const fact = run([pool('a'), pool('b')], { files: { '/var/log/fpm.log': log } });
    expect(fact.state === 'known' && fact.value.map(event => [event.serviceId, event.kind, event.source])).toEqual([
      ['php-fpm:a', 'started', 'file:/var/log/fpm.log:1'],
      ['php-fpm:a', 'pool-full', 'file:/var/log/fpm.log:3'],
      ['php-fpm:b', 'started', 'file:/var/log/fpm.log:1'],
      ['php-fpm:b', 'address-in-use', 'file:/var/log/fpm.log:5'],
    ]);
  });

  it('reads the end of a long log and leaves its cut line out', () => {
    const bytes = Uint8Array.from(`cut [pool a] server reached pm.max_children setting (5)\n${at(5)} NOTICE: exiting, bye-bye!\n`, character =>
      character.charCodeAt(0),
    );
    const fact = run([pool('a')], { files: { '/var/log/fpm.log': known({ bytes, size: 9_000_000, atEnd: true }) } });
    expect(fact.state === 'known' && fact.value).toMatchObject([{ kind: 'stopped', source: 'file:/var/log/fpm.log' }]);
  });

  it('says what it may not read', () => {
    expect(run([pool('a')], { files: { '/var/log/fpm.log': denied('permission denied') } })).toMatchObject({
      value: [],
      problems: [expect.stringContaining('run as root')],
    });
  });
});

describe('the journal', () => {
  const unit = 'api.service';
  const api = pool('x', { id: 'unit:api.service', kind: 'gunicorn', unit, logFiles: [] });
  const entry = (text: string, seconds: number, identifier = 'gunicorn'): string =>
    JSON.stringify({
      _SYSTEMD_UNIT: unit,
      UNIT: unit,
      SYSLOG_IDENTIFIER: identifier,
      MESSAGE: text,
      __REALTIME_TIMESTAMP: String((TEST_CONTEXT.nowMs - seconds * 1000) * 1000),
    });

  it("reads systemd's words and the server's own", () => {
    const printed = [
      entry('[2026-11-21 07:00:00 +0000] [80] [WARNING] Worker with pid 81 was terminated due to signal 9', 9),
      entry('Traceback (most recent call last):', 8),
      entry('  File "a.py", line 1, in x', 8),
      entry('psycopg2.OperationalError: connection to server at "10.0.0.7", port 5432 failed: Connection refused', 8),
      entry('api.service: Main process exited, code=killed, status=9/KILL', 7, 'systemd'),
    ].join('\n');
    const fact = run([api], { answer: request => (request.kind === 'exec' ? known({ stdout: printed, stderr: '', code: 0, truncated: false }) : undefined) });
    expect(fact.state === 'known' && fact.value.map(event => [event.kind, event.signal ?? event.address])).toEqual([
      ['worker-signal', 9],
      ['dependency-error', '10.0.0.7:5432'],
      ['worker-signal', 9],
    ]);
  });

  it('is named when it cannot be read', () => {
    expect(run([api], {})).toMatchObject({ value: [], problems: [expect.stringContaining('journal')] });
  });
});
