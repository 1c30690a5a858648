import { describe, expect, it } from 'vitest';
import type { Request } from '../model/collector.ts';
import { known, type Known } from '../model/fact.ts';
import type { Facts } from '../model/facts.ts';
import type { ProbeResult } from '../model/probe.ts';
import idleConnections from './idle-connections.ts';
import { runCollector, TEST_CONTEXT } from './testing.ts';

const origin = { kind: 'file', path: '/etc/nginx/conf.d/a.conf', line: 2 };
const setting = (directive: string, ...args: string[]): unknown => ({ directive, args, origin });

interface Layout {
  readonly peers?: readonly number[];
  readonly version?: string;
  readonly tls?: boolean;
  readonly timeoutMs?: number;
  readonly host?: string;
}

/** Peers whose requests were cut, behind one upstream that keeps connections, and what they do with an idle one. */
function run(
  { peers = [8017], version = '1.22.1', tls = false, timeoutMs, host = '127.0.0.1' }: Layout,
  idle: { readonly ended: string; readonly ms: number },
) {
  const ids = peers.map(port => `${host}:${port}`);
  const topology = {
    servers: [{ id: 's', instanceId: 'nginx', names: ['shop.test'], listens: [] }],
    routes: [
      {
        id: 'r',
        serverId: 's',
        pass: 'proxy',
        target: 'http://app',
        tls,
        groupId: 'g',
        settings: { http_version: setting('proxy_http_version', '1.1') },
        headers: [setting('proxy_set_header', 'Connection', '')],
      },
    ],
    groups: [
      {
        id: 'g',
        name: 'app',
        explicit: true,
        peerIds: ids,
        keepalive: setting('keepalive', '8'),
        settings: timeoutMs === undefined ? {} : { keepalive_timeout: { ...(setting('keepalive_timeout', 'x') as object), ms: timeoutMs } },
      },
    ],
    peers: ids.map((id, index) => ({
      id,
      address: { kind: 'tcp', host, port: peers[index] },
      groupIds: ['g'],
      routeIds: ['r'],
      flags: { down: false },
      local: true,
      listeners: [{}],
    })),
  };
  const facts = {
    topology: known(topology),
    'nginx-instances': known([{ id: 'nginx', flavour: 'nginx', version }]),
    'nginx-error-log': known({ groups: ids.map(peer => ({ peer, class: 'reset', lastMs: 0 })) }),
    'backend-events': known([]),
  } as unknown as Pick<Facts, 'topology' | 'nginx-instances' | 'nginx-error-log' | 'backend-events'>;
  const answer = (request: Request): Known<ProbeResult> | undefined =>
    request.kind === 'probe'
      ? known({
          request: request.request,
          outcome: { state: 'answered', speaks: 'http', answer: { complete: true, idle } },
          connectMs: 0,
          ms: 0,
        } as unknown as ProbeResult)
      : undefined;
  const result = runCollector(idleConnections, facts, { answer }, TEST_CONTEXT);
  const waits = result.asked.map(request => (request.kind === 'probe' && request.request.kind === 'idle' ? request.request.idleMs : undefined));
  return { waits, gaps: result.fact.state === 'known' ? (result.fact.gaps ?? []) : [] };
}

describe('how long an idle connection is watched', () => {
  it('is as long as nginx keeps one and a little more, and at most eight seconds', () => {
    const closed = { ended: 'closed', ms: 1000 };
    expect(run({ timeoutMs: 2000 }, closed)).toEqual({ waits: [2500], gaps: [] });
    expect(run({}, closed)).toEqual({ waits: [8000], gaps: [] });
    expect(run({ version: '1.14.2' }, closed)).toEqual({ waits: [8000], gaps: [] });
  });

  it('leaves nothing open where the backend outlasts nginx', () => {
    expect(run({ timeoutMs: 2000 }, { ended: 'open', ms: 2500 }).gaps).toEqual([]);
  });

  it('says where it was too short, and how to watch for longer', () => {
    const [gap] = run({}, { ended: 'open', ms: 8000 }).gaps;
    expect(gap?.why).toBe('127.0.0.1:8017 leaves an idle connection open for longer than 8.0 s, and badhop waited no longer; nginx keeps it for 60 s.');
    expect(gap?.how).toContain('time timeout 61 bash -c \'exec 3<>/dev/tcp/127.0.0.1/8017; printf "GET / HTTP/1.1\\r\\n');
    expect(run({ version: '1.14.2' }, { ended: 'open', ms: 8000 }).gaps[0]?.why).toContain('without a limit');
  });

  it('writes no name of the host into a command', () => {
    expect(run({ host: '$(id)' }, { ended: 'open', ms: 8000 }).gaps[0]?.how).toBe('Compare its own keep-alive setting with those 60 s.');
  });

  it('names the backends that it does not measure', () => {
    expect(run({ peers: [1, 2, 3, 4, 5] }, { ended: 'closed', ms: 1 }).gaps.map(gap => gap.why)).toEqual([
      '127.0.0.1:5 was not measured, because 4 others were; nginx keeps it for 60 s.',
    ]);
    const overTls = run({ tls: true }, { ended: 'closed', ms: 1 });
    expect(overTls.waits).toEqual([]);
    expect(overTls.gaps.map(gap => gap.why)).toEqual(['127.0.0.1:8017 was not measured, because it speaks TLS; nginx keeps it for 60 s.']);
  });
});
