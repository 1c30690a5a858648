import { expect, it } from 'vitest';
import { absent, known } from '../model/fact.ts';
import type { Facts } from '../model/facts.ts';
import type { Finding, FixPlan } from '../model/finding.ts';
import { parseNginxConf } from '../parsers/nginx-conf.ts';
import fix from './shorten-upstream-keepalive.ts';

const path = '/etc/nginx/conf.d/site.conf';

function planFor(upstream: string, idleMs: number, explicit = true, keptMs: number | null = 60_000): FixPlan | undefined {
  const text = `upstream other { server 10.0.0.1; keepalive 4; }\nupstream app {\n${upstream}\n}\n`;
  const config = { instanceId: 'nginx', mainPath: path, files: [{ path, text }], directives: parseNginxConf(text, path).directives, problems: [], unread: [] };
  const groups = [{ id: 'g', explicit, origin: { path, line: 2 } }];
  const facts = { 'nginx-config': known([config]), 'nginx-instances': absent('none'), topology: known({ groups }) } as unknown as Facts;
  return fix.plan(
    { subject: { name: '127.0.0.1:9000' }, fixData: { groupId: 'g', idleMs, kind: 'node', ...(keptMs === null ? {} : { keptMs }) } } as unknown as Finding,
    facts,
  );
}

it.each([
  ['  server 127.0.0.1:9000;\n  keepalive 8;', 2000, '  keepalive 8; keepalive_timeout 1200ms;'],
  ['  server 127.0.0.1:9000;\n  keepalive 8;\n  keepalive_timeout 60s;', 5010, '  keepalive_timeout 3s;'],
  ['  server 127.0.0.1:9000;', 1000, '  server 127.0.0.1:9000; keepalive_timeout 600ms;'],
])('keeps connections for less than the backend does: %j', (upstream, idleMs, after) => {
  const plan = planFor(upstream, idleMs);
  const [edit] = plan?.steps ?? [];
  expect(plan).toMatchObject({ automatic: true, validate: [['nginx', '-t']] });
  expect(edit?.kind === 'edit' ? edit.after.split('\n').at(-1) : undefined).toBe(after);
});

it.each([
  ['the backend closes almost at once', '  server 127.0.0.1:9000;\n  keepalive 8;', 100, true],
  ['there is no upstream block', '', 2000, false],
])('names the setting of the backend where %s', (_name, upstream, idleMs, explicit) => {
  const plan = planFor(upstream, idleMs, explicit);
  expect(plan?.automatic).toBe(false);
  expect(JSON.stringify(plan?.steps)).toContain('server.keepAliveTimeout');
});

it('writes no directive that an nginx before 1.15.3 would refuse', () => {
  const plan = planFor('  server 127.0.0.1:9000;\n  keepalive 8;', 2000, true, null);
  expect(plan?.automatic).toBe(false);
  expect(JSON.stringify(plan?.steps)).toContain('1.15.3');
});
