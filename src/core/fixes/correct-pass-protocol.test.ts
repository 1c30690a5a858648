import { expect, it } from 'vitest';
import { absent, known } from '../model/fact.ts';
import type { Facts } from '../model/facts.ts';
import type { Finding, FixPlan } from '../model/finding.ts';
import { parseNginxConf } from '../parsers/nginx-conf.ts';
import fix from './correct-pass-protocol.ts';

const path = '/etc/nginx/conf.d/site.conf';

function planFor(location: string, spoken: string, isOnlyPeer = true, above = ''): FixPlan | undefined {
  const text = `${above}server {\n  location / {\n${location}\n  }\n}\n`;
  const line = text.split('\n').findIndex(each => each.includes('_pass ')) + 1;
  const config = { instanceId: 'nginx', mainPath: path, files: [{ path, text }], directives: parseNginxConf(text, path).directives, problems: [], unread: [] };
  const facts = { 'nginx-config': known([config]), 'nginx-instances': absent('none') } as unknown as Facts;
  const finding = { confidence: 'confirmed', subject: { id: 'x', peers: ['127.0.0.1:9000'] }, fixData: { spoken, isOnlyPeer, places: [{ path, line }] } };
  return fix.plan(finding as unknown as Finding, facts);
}

it.each([
  ['proxy_pass http://127.0.0.1:9000;', 'uwsgi', 'include uwsgi_params; uwsgi_pass 127.0.0.1:9000;'],
  ['proxy_pass http://unix:/run/a.sock:/;', 'uwsgi', 'include uwsgi_params; uwsgi_pass unix:/run/a.sock;'],
  [
    'include fastcgi_params;\nproxy_pass http://[::1]:9000;',
    'FastCGI',
    'fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; fastcgi_pass [::1]:9000;',
  ],
  ['fastcgi_pass unix:/run/a.sock;', 'HTTP', 'proxy_set_header Host $host; proxy_pass http://unix:/run/a.sock;'],
  ['uwsgi_pass app;', 'HTTP', 'proxy_set_header Host $host; proxy_pass http://app;'],
  ['proxy_pass https://127.0.0.1:9000/x/;', 'HTTP', 'proxy_pass http://127.0.0.1:9000/x/;'],
  ['proxy_pass https://10.0.0.1;', 'HTTP', 'proxy_pass http://10.0.0.1:443;'],
  ['proxy_pass http://10.0.0.1/x;', 'TLS', 'proxy_pass https://10.0.0.1:80/x;'],
])('turns %s into the pass for %s', (before, spoken, after) => {
  const plan = planFor(before, spoken);
  const [edit] = plan?.steps ?? [];
  expect(plan?.automatic).toBe(true);
  expect(edit?.kind === 'edit' ? edit.after : undefined).toBe(after);
});

it('keeps the port of an upstream group', () => {
  const [edit] = planFor('proxy_pass https://app.backend;', 'HTTP', true, 'upstream app.backend { server 127.0.0.1:8080; }\n')?.steps ?? [];
  expect(edit?.kind === 'edit' ? edit.after : undefined).toBe('proxy_pass http://app.backend;');
});

it.each([
  ['a URI that FastCGI cannot carry', 'proxy_pass http://127.0.0.1:9000/api/;', 'FastCGI', true],
  ['other servers in the group', 'proxy_pass http://127.0.0.1:9000;', 'FastCGI', false],
  ['variables', 'proxy_pass http://$backend;', 'uwsgi', true],
  ['a protocol without a pass', 'proxy_pass http://127.0.0.1:9000;', 'AJP', true],
])('leaves it to a person where there are %s', (_name, before, spoken, isOnlyPeer) => {
  const plan = planFor(before, spoken, isOnlyPeer);
  expect(plan?.automatic).toBe(false);
  expect(plan?.steps.map(step => step.kind)).toEqual(['manual']);
});
