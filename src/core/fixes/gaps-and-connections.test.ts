import { describe, expect, it } from 'vitest';
import { absent, known } from '../model/fact.ts';
import type { Facts } from '../model/facts.ts';
import type { Finding, FixPlan } from '../model/finding.ts';
import { parseNginxConf } from '../parsers/nginx-conf.ts';
import restart from './restart-without-a-gap.ts';
import reuse from './reuse-upstream-connections.ts';
import trace from './trace-worker-crash.ts';

const path = '/etc/nginx/conf.d/site.conf';
const nginx = {
  id: 'nginx',
  running: true,
  masterPid: 9,
  binary: '/usr/sbin/nginx',
  prefix: '/usr/share/nginx',
  configPath: '/etc/nginx/nginx.conf',
  globalDirectives: '',
  unit: 'nginx.service',
};
const factsOf = (given: Readonly<Record<string, unknown>>): Facts =>
  new Proxy({} as Facts, { get: (_, id) => (given[String(id)] === undefined ? absent('not given') : known(given[String(id)])) });
const findingOf = (fixData: Readonly<Record<string, unknown>>): Finding =>
  ({ confidence: 'confirmed', status: 'active', subject: { kind: 'peer', id: 's', name: 'shop', peers: [] }, fixData }) as unknown as Finding;
const edits = (plan: FixPlan | undefined): string[] => (plan?.steps ?? []).flatMap(step => (step.kind === 'edit' ? [step.after] : []));

describe('reuse-upstream-connections', () => {
  function planFor(upstream: string, location: string, route: Readonly<Record<string, unknown>> = {}): FixPlan | undefined {
    const text = `${upstream}\nserver {\n${location}\n}\n`;
    const config = {
      instanceId: 'nginx',
      mainPath: path,
      files: [{ path, text }],
      directives: parseNginxConf(text, path).directives,
      problems: [],
      unread: [],
    };
    const line = text.split('\n').findIndex(one => one.includes('_pass ')) + 1;
    const routes = [{ pass: 'proxy', target: 'http://shop', origin: { path, line }, settings: {}, headers: [], ...route }];
    const hop = { peer: { id: '127.0.0.1:1', written: '127.0.0.1:1' }, routes, groups: [{ name: 'shop', explicit: true, origin: { path, line: 1 } }] };
    return reuse.plan(findingOf({ peer: '127.0.0.1:1' }), factsOf({ hops: [hop], 'nginx-config': [config], 'nginx-instances': [nginx] }));
  }
  const location = '  location / { proxy_pass http://shop; }';

  it('writes what is missing: a keepalive last in the group, HTTP/1.1 and an empty header', () => {
    const [group, pass] = edits(planFor('upstream shop {\n    server 127.0.0.1:1;\n}', location));
    // The closing brace stands there twice, so it is given with what stands above it.
    expect(group).toBe('    server 127.0.0.1:1;\n    keepalive 32;\n}');
    expect(pass).toBe('  location / { proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://shop; }');
    expect(edits(planFor('upstream shop { server 127.0.0.1:1; }', location))[0]).toBe('upstream shop { server 127.0.0.1:1; keepalive 32; }');
  });

  it('leaves alone what says so already', () => {
    const settings = { http_version: { args: ['1.1'] } };
    const headers = [{ args: ['Connection', ''] }];
    const plan = planFor('upstream shop { server 127.0.0.1:1; }', location, { settings, headers });
    expect(edits(plan)).toEqual(['upstream shop { server 127.0.0.1:1; keepalive 32; }']);
    expect(plan).toMatchObject({ automatic: true, steps: [{ kind: 'edit' }, { argv: ['systemctl', 'reload', 'nginx.service'] }] });
  });

  it.each([
    ['the location upgrades connections', { headers: [{ args: ['Connection', '$connection_upgrade'] }] }],
    ['headers are inherited from above', { headers: [{ args: ['Host', '$host'] }] }],
    ['the protocol has no such thing', { pass: 'scgi' }],
  ])('leaves it to a person where %s', (_name, route) => {
    const written = location.replace('proxy_pass', `${'pass' in route ? route.pass : 'proxy'}_pass`);
    expect(planFor('upstream shop { server 127.0.0.1:1; }', written, route)).toMatchObject({
      automatic: false,
      steps: [{ kind: 'manual' }, { kind: 'manual' }],
    });
  });
});

describe('restart-without-a-gap', () => {
  const unit = { name: 'menu.service', fragmentPath: '/etc/systemd/system/menu.service', mainPid: 7, dropIns: [] };
  const service = { unit: 'menu.service', kind: 'gunicorn', masterPid: 7 };
  const planFor = (change: { readonly unit?: object; readonly service?: object } = {}): FixPlan | undefined =>
    restart.plan(
      findingOf({ unit: 'menu.service' }),
      factsOf({ 'systemd-units': [{ ...unit, ...change.unit }], services: [{ ...service, ...change.service }] }),
    );

  it('gives the unit a reload by the signal of its server', () => {
    const plan = planFor();
    expect(plan?.automatic).toBe(true);
    expect(plan?.steps.slice(0, 2)).toMatchObject([
      { path: '/etc/systemd/system/menu.service.d/badhop-reload.conf', before: '' },
      { argv: ['systemctl', 'daemon-reload'], disruptive: false },
    ]);
    expect(edits(plan)).toEqual(['[Service]\nExecReload=\nExecReload=/bin/kill -s HUP $MAINPID\n']);
  });

  it.each([
    ['a package wrote the unit', { unit: { fragmentPath: '/lib/systemd/system/menu.service' } }],
    ['a wrapper is the main process', { unit: { mainPid: 6 } }],
    ['the server has no such signal', { service: { kind: 'node' } }],
  ])('names the ways where %s', (_name, change) => {
    expect(planFor(change)).toMatchObject({ automatic: false, steps: [{ kind: 'manual' }, { kind: 'manual' }, { kind: 'manual' }] });
  });
});

describe('trace-worker-crash', () => {
  const said = (urls: string): string => JSON.stringify(trace.plan(findingOf({ unit: 'shop.service', urls }), factsOf({})));

  it('keeps the one page away that does it', () => {
    expect(said('all 12 for GET /export/pdf')).toContain('location = /export/pdf { return 503; }');
  });

  it.each(['all 12 for GET /', '7 for GET /a, 3 for GET /b', 'all 3 for GET /item/{n}', '4 requests'])('does not take a page away for %s', urls => {
    expect(said(urls)).not.toContain('return 503');
  });
});
