import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServerBlock, Topology } from '../core/model/facts/topology.ts';
import { logsOf } from './host-logs.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'host-logs-'));
  const files = ['shop.log', 'shop.log.1', 'shop.log.2.gz', 'shop.log-20261120', 'shop.login', 'workshop.log', 'shop.error.log', 'a.example-access.log'];
  for (const name of [...files, 'a.example-access.log.1', 'b.example-access.log']) writeFileSync(join(folder, name), '');
  mkdirSync(join(folder, 'conf'));
  writeFileSync(join(folder, 'conf/site.conf'), 'log_format hops "$status";');
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function topologyOf(accessLogs: readonly string[], errorLogs: readonly string[] = []): Topology {
  const origin = { kind: 'file', path: join(folder, 'conf/site.conf'), line: 1 } as const;
  const server: ServerBlock = {
    id: 's',
    instanceId: 'i',
    names: [],
    listens: [],
    origin,
    accessLogs: accessLogs.map(path => ({ path, format: 'hops', origin })),
    errorLogs: errorLogs.map(path => ({ path, level: 'error', origin })),
  };
  return { servers: [server], routes: [], groups: [], peers: [] };
}

const inFolder = (...names: readonly string[]): readonly string[] => names.map(name => join(folder, name));

describe('the logs of a host', () => {
  it('are those of the configuration, and with them what rotation made of them', async () => {
    const topology = topologyOf(inFolder('shop.log'), inFolder('shop.error.log', 'gone.log'));
    expect((await logsOf(topology, false)).paths).toEqual(inFolder('shop.log', 'shop.error.log', 'gone.log'));
    const { paths, configurations } = await logsOf(topology, true);
    expect([...paths].sort()).toEqual([...inFolder('gone.log', 'shop.error.log', 'shop.log', 'shop.log-20261120', 'shop.log.1', 'shop.log.2.gz')].sort());
    expect(configurations[0]).toBe('log_format hops "$status";');
  });

  it('are the files that a path with variables may name', async () => {
    const { paths } = await logsOf(topologyOf([`${folder}/$host-access.log`, `${folder}/\${server_name}-access.log`]), true);
    expect([...paths].sort()).toEqual([...inFolder('a.example-access.log', 'a.example-access.log.1', 'b.example-access.log')].sort());
  });

  it('are in the journal where they go to no file, and elsewhere where this host keeps none', async () => {
    const streams = ['/dev/stdout', 'syslog:server=unix:/dev/log,nohostname'];
    expect(await logsOf(topologyOf(streams, ['stderr']), true)).toMatchObject({ paths: [], journalUnits: ['nginx.service'], elsewhere: [] });
    const away = await logsOf(topologyOf(['syslog:server=192.0.2.7:514'], ['memory:32m', '/dev/null']), true);
    expect(away).toMatchObject({ paths: [], journalUnits: [] });
    expect(away.elsewhere.map(({ what }) => what)).toEqual(['the log syslog:server=192.0.2.7:514', 'the log memory:32m']);
  });
});
