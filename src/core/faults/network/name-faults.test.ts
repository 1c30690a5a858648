import { describe, expect, it } from 'vitest';
import { known } from '../../model/fact.ts';
import type { NginxConfigTest, Setting } from '../../model/facts/nginx.ts';
import type { NameResolution } from '../../model/facts/system.ts';
import type { Route, Symptom } from '../../model/facts/topology.ts';
import type { Facts } from '../../model/facts.ts';
import type { Fault } from '../../model/fault.ts';
import type { Finding } from '../../model/finding.ts';
import type { ProbeOutcome, ProbeResult } from '../../model/probe.ts';
import { resolversOf, unresolvedName } from '../../model/resolvers.ts';
import setResolver from '../../fixes/set-resolver.ts';
import { answered, detections, failed, hopOf, nowMs, probeOf, routeOf, site, symptomOf, tcp } from '../address/testing.ts';
import dnsNameNotFound from './dns-name-not-found.ts';
import dnsResolverUnreachable from './dns-resolver-unreachable.ts';
import dnsStaleAddress from './dns-stale-address.ts';
import resolverMissing from './resolver-missing.ts';

const name = 'chat.svc.example';

function resolver(...args: string[]): Readonly<Record<string, Setting>> {
  return args.length === 0 ? {} : { resolver: { directive: 'resolver', args, origin: { kind: 'file', path: site, line: 2 } } };
}

function variableRoute(settings = resolver('192.0.2.53')): Route {
  return routeOf({ target: 'http://$chat', variables: ['chat'], hostName: name, settings });
}

function dns(outcome: ProbeOutcome, server = '192.0.2.53'): ProbeResult {
  return { request: { kind: 'dns', resolver: { kind: 'udp', host: server, port: 53 }, name }, outcome, connectMs: 1, ms: 2 };
}

function says(rcode: string, addresses: readonly string[] = []): ProbeOutcome {
  return { state: 'answered', speaks: 'dns', answer: { complete: true, dns: { rcode, addresses } } };
}

interface Given {
  readonly route?: Route;
  readonly symptoms?: readonly Symptom[];
  readonly probes?: readonly ProbeResult[];
  readonly system?: Partial<NameResolution>;
  readonly test?: string;
  readonly running?: boolean;
}

function run(fault: Fault, { route = variableRoute(), symptoms = [], probes = [], system = {}, test, running = true }: Given) {
  const failing: NginxConfigTest | undefined =
    test === undefined ? undefined : { instanceId: 'nginx', ok: false, output: [test], error: { text: test }, denied: false };
  return detections(fault, {
    topology: { servers: [], routes: [route], groups: [], peers: [] },
    symptoms,
    'probe-results': probes,
    'name-resolution': [{ name, system: [], nameServers: ['127.0.0.53'], ...system }],
    'nginx-config-test': failing === undefined ? [] : [failing],
    'nginx-instances': [{ id: 'nginx', running, workers: [] }],
  });
}

const notFound = symptomOf('host-not-found', name, { message: `${name} could not be resolved (3: Host not found)` });
const timedOut = symptomOf('resolver-timeout', name, { message: `${name} could not be resolved (110: Operation timed out)` });
const noResolver = symptomOf('resolver-missing', name, { message: `no resolver defined to resolve ${name}` });

describe('dns-name-not-found', () => {
  it('fires where the resolver of nginx says that there is no such name', () => {
    expect(run(dnsNameNotFound, { symptoms: [notFound], probes: [dns(says('NXDOMAIN'))] })[0]).toMatchObject({
      confidence: 'confirmed',
      status: 'active',
      messageId: 'nowhere',
    });
  });

  it('says that the system knows the name, where it does', () => {
    const system = { system: ['127.0.0.1'] };
    expect(run(dnsNameNotFound, { symptoms: [notFound], probes: [dns(says('NXDOMAIN'))], system })[0]).toMatchObject({
      messageId: 'systemOnly',
      data: { addresses: '127.0.0.1' },
    });
  });

  it('counts an IPv6 address for none where nginx may not use it', () => {
    const given = { route: variableRoute(resolver('192.0.2.53', 'ipv6=off')), symptoms: [notFound], probes: [dns(says('NOERROR', ['2001:db8::1']))] };
    expect(run(dnsNameNotFound, given)[0]?.confidence).toBe('confirmed');
  });

  it('is silent where the name server does not answer or nginx has none', () => {
    expect(run(dnsNameNotFound, { symptoms: [timedOut], probes: [dns({ state: 'no-answer' })] })).toEqual([]);
    expect(run(dnsNameNotFound, { route: variableRoute({}), symptoms: [noResolver] })).toEqual([]);
  });

  it('is past where the name is known again', () => {
    const over = { ...notFound, ongoing: false };
    expect(run(dnsNameNotFound, { symptoms: [over], probes: [dns(says('NOERROR', ['127.0.0.1']))] })[0]).toMatchObject({ status: 'past', messageId: 'back' });
  });

  it('is no more than possible by the log alone', () => {
    expect(run(dnsNameNotFound, { symptoms: [notFound] })[0]?.confidence).toBe('possible');
  });

  it('keeps nginx from starting, or will at the next reload', () => {
    const test = `host not found in upstream "${name}:80" in ${site}:3`;
    const given = { route: routeOf(), test, probes: [dns(says('NXDOMAIN'), '127.0.0.53')] };
    expect(run(dnsNameNotFound, { ...given, running: false })[0]).toMatchObject({
      confidence: 'confirmed',
      status: 'active',
      subject: { peers: [name, 'nginx'] },
    });
    expect(run(dnsNameNotFound, given)[0]?.status).toBe('latent');
    expect(run(dnsNameNotFound, { ...given, probes: [dns({ state: 'no-answer' }, '127.0.0.53')] })).toEqual([]);
  });
});

describe('dns-resolver-unreachable', () => {
  it.each([{ state: 'no-answer' } as const, failed('ECONNREFUSED'), says('SERVFAIL')])('fires where the resolver of nginx gives no answer: %j', outcome => {
    expect(run(dnsResolverUnreachable, { symptoms: [timedOut], probes: [dns(outcome)] })[0]).toMatchObject({ confidence: 'confirmed', status: 'active' });
  });

  it('is silent where it answers that there is no such name', () => {
    expect(run(dnsResolverUnreachable, { symptoms: [notFound], probes: [dns(says('NXDOMAIN'))] })).toEqual([]);
  });

  it('keeps nginx from starting where no name server of the system answers', () => {
    const given = {
      route: routeOf(),
      test: `host not found in upstream "${name}:80" in ${site}:3`,
      probes: [dns({ state: 'no-answer' }, '127.0.0.53')],
      running: false,
    };
    expect(run(dnsResolverUnreachable, given)[0]).toMatchObject({ confidence: 'confirmed', messageId: 'start' });
  });
});

describe('resolver-missing', () => {
  it('fires where a pass with a variable has no resolver in force', () => {
    expect(run(resolverMissing, { route: variableRoute({}), symptoms: [noResolver] })[0]).toMatchObject({
      confidence: 'confirmed',
      status: 'active',
      messageId: 'pass',
    });
  });

  it('is latent where no request has gone there', () => {
    expect(run(resolverMissing, { route: variableRoute({}) })[0]?.status).toBe('latent');
  });

  it('is silent where a resolver is in force', () => {
    expect(run(resolverMissing, { symptoms: [notFound] })).toEqual([]);
  });

  it('is silent for a name that is resolved at the start', () => {
    expect(run(resolverMissing, { route: routeOf({ hostName: name }) })).toEqual([]);
  });

  it('is possible where the configuration on disk has a resolver by now', () => {
    expect(run(resolverMissing, { symptoms: [noResolver] })[0]).toMatchObject({ confidence: 'possible', messageId: 'logged' });
  });
});

describe('dns-stale-address', () => {
  const old = tcp('127.0.0.2:8811');
  const next = tcp('127.0.0.3:8811');
  const stale = hopOf(old, { peer: { onlyInLog: true, routeIds: [] }, routes: [] });
  const current = hopOf(next, { peer: { hostName: name, written: `${name}:8811` }, probes: [probeOf(next, answered)], symptoms: [] });
  const detect = (hops: readonly ReturnType<typeof hopOf>[], system = ['127.0.0.3'], startMs = nowMs - 3_600_000, more: Record<string, unknown> = {}) =>
    detections(dnsStaleAddress, {
      hops,
      'nginx-instances': [{ id: 'nginx', workers: [{ pid: 1, startMs, state: 'S', shuttingDown: false }] }],
      'name-resolution': [{ name, system }],
      topology: { servers: [{ id: current.routes[0]?.serverId, instanceId: 'nginx' }] },
      ...more,
    });

  it('fires where the log names an address that the name no longer has', () => {
    expect(detect([stale, current])[0]).toMatchObject({ confidence: 'confirmed', data: { now: '127.0.0.3', old: '127.0.0.2:8811' } });
  });

  it('fires for a name in a variable whose answer nginx keeps', () => {
    const route = routeOf({ target: 'http://$chat', variables: ['chat'], hostName: name, settings: resolver('192.0.2.53', 'valid=1h') });
    const now = hopOf(next, { peer: { hostName: name, written: `${name}:8811` }, routes: [route], probes: [probeOf(next, answered)], symptoms: [] });
    const asked = { 'probe-results': [dns(says('NOERROR', ['127.0.0.3']))], topology: { servers: [{ id: route.serverId, instanceId: 'nginx' }] } };
    expect(detect([stale, now], undefined, undefined, asked)).toMatchObject([
      { confidence: 'confirmed', messageId: 'kept', data: { kept: '1h (valid=1h of its resolver)', old: '127.0.0.2:8811' } },
    ]);
    expect(detect([stale, now], undefined, undefined, { topology: asked.topology })[0]?.confidence).toBe('possible');
    const other = { ...now, routes: [{ ...route, hostName: 'other.example' }] };
    expect(detect([stale, other], undefined, undefined, asked)).toEqual([]);
  });

  it('is silent where the name still means it, and where nginx was reloaded since', () => {
    expect(detect([stale, current], ['127.0.0.3', '127.0.0.2'])).toEqual([]);
    expect(detect([stale, current], ['127.0.0.3'], nowMs)).toEqual([]);
  });

  it('takes the addresses of a name as a set, in whatever order and notation', () => {
    expect(detect([stale, current], ['127.0.0.2', '127.0.0.3'])).toEqual([]);
    const old6 = hopOf(tcp('[2001:db8:0:0:1::9]:8811'), { peer: { onlyInLog: true, routeIds: [] }, routes: [] });
    expect(detect([old6, current], ['2001:db8::1:0:0:9', '127.0.0.3'])).toEqual([]);
  });

  it('fires for the one of several addresses that the name lost', () => {
    const other = hopOf(tcp('127.0.0.4:8811'), { peer: { hostName: name, written: `${name}:8811` }, symptoms: [] });
    expect(detect([stale, other, current], ['127.0.0.4', '127.0.0.3'])).toMatchObject([{ confidence: 'confirmed', data: { now: '127.0.0.4, 127.0.0.3' } }]);
  });

  it('is silent where the name servers still give the address, by turns with others', () => {
    expect(detect([stale, current], ['127.0.0.3'], undefined, { 'probe-results': [dns(says('NOERROR', ['127.0.0.2', '127.0.0.3']))] })).toEqual([]);
  });

  it('fires where the hosts file has another address than the name servers, which have the old one', () => {
    expect(detect([stale, current], ['127.0.0.3'], undefined, { 'probe-results': [dns(says('NOERROR', ['127.0.0.2']))] })[0]?.confidence).toBe('possible');
    expect(detect([stale, current], ['127.0.0.3'], undefined, { 'probe-results': [dns(says('NXDOMAIN'))] })[0]?.confidence).toBe('confirmed');
  });

  it('is no more than possible where each answer has other addresses, and where the host has no address of that family', () => {
    expect(detect([stale, current], ['127.0.0.3'], undefined, { 'probe-results': [dns(says('NOERROR', ['127.0.0.7']))] })[0]?.confidence).toBe('possible');
    const old6 = hopOf(tcp('[2001:db8::9]:8811'), { peer: { onlyInLog: true, routeIds: [] }, routes: [] });
    const identity = (addresses: readonly string[]) => ({ 'host-identity': { addresses } });
    expect(detect([old6, current], undefined, undefined, identity(['::1', '192.0.2.8']))[0]?.confidence).toBe('possible');
    expect(detect([old6, current], undefined, undefined, identity(['2001:db8::5', '192.0.2.8']))[0]?.confidence).toBe('confirmed');
  });

  it('is no more than possible where the name was written into the file after the start', () => {
    const config = { instanceId: 'nginx', files: [{ path: current.peer.origin.path, text: '', modifiedMs: nowMs - 60_000, changedMs: nowMs - 60_000 }] };
    expect(detect([stale, current], undefined, undefined, { 'nginx-config': [config] })[0]?.confidence).toBe('possible');
  });

  it('is silent for a name that nginx resolves again and again', () => {
    const followed = hopOf(next, { peer: { hostName: name }, probes: [probeOf(next, answered)], symptoms: [], groups: [{ resolvedNames: [name] }] as never });
    expect(detect([stale, followed])).toEqual([]);
  });

  it('is silent where no name has that port', () => {
    expect(detect([stale, hopOf(tcp('127.0.0.3:9000'), { peer: { hostName: name } })])).toEqual([]);
  });
});

describe('set-resolver', () => {
  const text = 'resolver 192.0.2.53 valid=5s;\nlocation / { proxy_pass $chat; }\n';
  const at = text.indexOf('proxy_pass');
  const server = { value: '192.0.2.53', quote: '' as const, start: 9, end: 19 };
  const config = {
    instanceId: 'nginx',
    mainPath: site,
    files: [{ path: site, text }],
    directives: [
      { name: 'resolver', args: [server], path: site, line: 1, start: 0, end: 28 },
      { name: 'proxy_pass', args: [], path: site, line: 2, start: at, end: at + 16 },
    ],
    problems: [],
    unread: [],
  };
  const facts = { 'nginx-config': known([config]), 'nginx-instances': known([]) } as unknown as Facts;
  const edits = (fixData: Record<string, unknown>) =>
    setResolver
      .plan({ confidence: 'confirmed', fixData: { name, ...fixData } } as unknown as Finding, facts)
      ?.steps.flatMap(step => (step.kind === 'edit' ? [step.after] : []));

  it('puts a name server that knows the name before the pass', () => {
    expect(edits({ missing: true, server: '127.0.0.53', routes: [{ path: site, line: 2 }] })).toEqual([
      'location / { resolver 127.0.0.53 valid=30s; proxy_pass $chat; }',
    ]);
  });

  it('takes it instead of one that does not answer', () => {
    expect(edits({ server: '127.0.0.53', instead: ['192.0.2.53:53'], routes: [] })).toEqual(['resolver 127.0.0.53 valid=5s;']);
  });

  it('leaves it to a person where no name server knows the name', () => {
    const plan = setResolver.plan({ confidence: 'confirmed', fixData: { name, missing: true, routes: [] } } as unknown as Finding, facts);
    expect(plan).toMatchObject({ automatic: false, id: 'make-name-resolvable' });
  });
});

describe('what nginx writes of resolvers and names', () => {
  it('is read', () => {
    expect(resolversOf(['192.0.2.53', '[2001:db8::53]:5353', 'ns.example', 'valid=30s', 'ipv6=off'])).toEqual([
      { kind: 'udp', host: '192.0.2.53', port: 53 },
      { kind: 'udp', host: '2001:db8::53', port: 5353 },
    ]);
    expect(unresolvedName(`${name} could not be resolved (3: Host not found)`)).toBe(name);
    expect(unresolvedName(`host not found in upstream "${name}:80/x" in ${site}:3`)).toBe(name);
    expect(unresolvedName(`no resolver defined to resolve ${name}`)).toBe(name);
    expect(unresolvedName('connect() failed')).toBeUndefined();
  });
});
