import { describe, expect, it } from 'vitest';
import { absent, known } from '../model/fact.ts';
import type { Facts } from '../model/facts.ts';
import type { Finding, FixPlan } from '../model/finding.ts';
import { parseNginxConf } from '../parsers/nginx-conf.ts';
import fix from './pin-former-default.ts';

const path = '/etc/nginx/conf.d/site.conf';
const text = 'server {\n    location /a { proxy_pass http://app; }\n    location /b {\n        proxy_pass https://app;\n    }\n}\n';

function planFor(fixData: Record<string, unknown>): FixPlan | undefined {
  const config = { instanceId: 'nginx', mainPath: path, files: [{ path, text }], directives: parseNginxConf(text, path).directives, problems: [], unread: [] };
  const facts = { 'nginx-config': known([config]), 'nginx-instances': absent('none') } as unknown as Facts;
  return fix.plan({ confidence: 'confirmed', subject: { name: 'app', peers: ['127.0.0.1:9000'] }, fixData } as unknown as Finding, facts);
}

describe('what nginx did before its upgrade', () => {
  it.each([
    ['tls', 4, '        proxy_ssl_protocols TLSv1 TLSv1.1 TLSv1.2;\n        proxy_pass https://app;'],
    ['keepalive', 2, '    location /a { proxy_http_version 1.0; proxy_pass http://app; }'],
  ])('is written beside the pass that it concerns, and nowhere else: %s', (name, line, after) => {
    const plan = planFor({ default: name, places: [{ path, line }] });
    expect(plan).toMatchObject({ automatic: true, validate: [['nginx', '-t']] });
    expect(plan?.steps.flatMap(step => (step.kind === 'edit' ? step.after : []))).toEqual([after]);
  });

  it('cannot be brought back for a header: the backend, or the older package', () => {
    const plan = planFor({ default: 'header', package: 'nginx', from: '1.22.1-9+deb12u10' });
    expect(plan?.automatic).toBe(false);
    expect(JSON.stringify(plan?.steps)).toContain('apt-get install --allow-downgrades nginx=1.22.1-9+deb12u10');
    expect(JSON.stringify(planFor({ default: 'header', package: 'nginx', from: '1; reboot' })?.steps)).not.toContain('allow-downgrades');
  });
});
