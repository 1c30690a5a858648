import { describe, expect, it } from 'vitest';
import { absent, known } from '../model/fact.ts';
import type { Facts } from '../model/facts.ts';
import type { Finding, FixPlan } from '../model/finding.ts';
import { parseNginxConf } from '../parsers/nginx-conf.ts';
import fix from './enlarge-header-buffers.ts';

const path = '/etc/nginx/nginx.conf';

function planFor(text: string, measured: number | undefined): FixPlan | undefined {
  const line = text.split('\n').findIndex(each => each.includes('_pass ')) + 1;
  const config = { instanceId: 'nginx', mainPath: path, files: [{ path, text }], directives: parseNginxConf(text, path).directives, problems: [], unread: [] };
  const facts = { 'nginx-config': known([config]), 'nginx-instances': absent('none') } as unknown as Facts;
  return fix.plan({ fixData: { measured, routes: [{ path, line }] } } as unknown as Finding, facts);
}

function after(text: string, measured: number): string {
  return (planFor(text, measured)?.steps ?? []).reduce((now, step) => (step.kind === 'edit' ? now.replace(step.before, step.after) : now), text);
}

describe('enlarge-header-buffers', () => {
  it('adds both directives above the pass', () => {
    expect(after('http {\n  server {\n    proxy_pass http://a;\n  }\n}\n', 9000)).toContain(
      '    proxy_buffer_size 16k;\n    proxy_buffers 4 16k;\n    proxy_pass http://a;',
    );
  });

  it('stays on the line of a location in one line', () => {
    expect(after('http { server { location / { uwsgi_pass a; } } }\n', 5000)).toBe(
      'http { server { location / { uwsgi_buffer_size 8k; uwsgi_buffers 4 8k; uwsgi_pass a; } } }\n',
    );
  });

  it('replaces what stands in the same block, and lifts what is inherited and would be too small', () => {
    const text = 'http {\n  fastcgi_busy_buffers_size 8k;\n  server {\n    fastcgi_buffer_size 4k;\n    fastcgi_pass a;\n  }\n}\n';
    expect(after(text, 12_000)).toBe(
      'http {\n  fastcgi_busy_buffers_size 8k;\n  server {\n    fastcgi_buffer_size 32k;\n    fastcgi_buffers 4 32k;\n    fastcgi_busy_buffers_size 64k;\n    fastcgi_pass a;\n  }\n}\n',
    );
  });

  it('leaves the buffers of another upstream of the same host alone', () => {
    const text =
      'http {\n  server {\n    location /a { fastcgi_pass a; }\n    location /b { fastcgi_busy_buffers_size 8k; fastcgi_buffers 16 4k; fastcgi_pass b; }\n  }\n}\n';
    expect(after(text, 5000)).toContain('location /b { fastcgi_busy_buffers_size 8k; fastcgi_buffers 16 4k; fastcgi_pass b; }');
  });

  it('makes enough buffers for a busy_buffers_size that is kept', () => {
    expect(after('http { proxy_buffers 16 4k; proxy_busy_buffers_size 56k; server { proxy_pass http://a; } }', 9000)).toContain('proxy_buffers 5 16k;');
  });

  it('is for a person where nothing was measured, and nothing where no buffer is enough', () => {
    expect(planFor('http { server { proxy_pass http://a; } }', undefined)?.automatic).toBe(false);
    expect(planFor('http { server { proxy_pass http://a; } }', 9000)?.automatic).toBe(true);
    expect(planFor('http { server { proxy_pass http://a; } }', 400_000)).toBeUndefined();
  });
});
