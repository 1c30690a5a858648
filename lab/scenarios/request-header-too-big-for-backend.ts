import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { uwsgi, wsgiApp } from '../servers/python.ts';

const cookie = `basket=${'x'.repeat(5000)}`;

async function setUp(host: LabHost): Promise<void> {
  await uwsgi(host, { name: 'basket', code: wsgiApp('basket'), bind: '127.0.0.1:3939', workers: 3, settings: { 'buffer-size': 16_384 } });
  await nginxSite(host, { name: 'basket', server: 'location / { include uwsgi_params; uwsgi_pass 127.0.0.1:3939; }', log: 'timed' });
  await startNginx(host);
}

export default [
  defineScenario({
    name: 'request-header-too-big-for-backend',
    title: 'A deploy lost buffer-size: clients with a cookie of five kilobytes are skipped by uWSGI, all others get their page',
    kind: 'fault',
    fault: 'request-header-too-big-for-backend',
    setUp,
    healthy: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'], headers: { cookie } });
      if (!counts['200']) throw new Error(`no 200 but ${JSON.stringify(counts)}`);
    },
    breakIt: host => uwsgi(host, { name: 'basket', code: wsgiApp('basket'), bind: '127.0.0.1:3939', workers: 3 }),
    traffic: { headers: { cookie } },
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'], headers: { cookie } });
      if (!counts['502']) throw new Error(`no 502 but ${JSON.stringify(counts)}`);
    },
    expect: {
      verdict: 'failing',
      status: 'active',
      minShare: 0.9,
      evidence: [/invalid request block size/],
      notFindings: ['backend-crashing', 'protocol-mismatch'],
    },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'request-header-too-big-for-backend-twin-http',
    title: 'The same line in the log of uWSGI, from plain HTTP on its socket',
    kind: 'twin',
    fault: 'protocol-mismatch',
    twinOf: 'request-header-too-big-for-backend',
    setUp: async host => {
      await uwsgi(host, { name: 'basket', code: wsgiApp('basket'), bind: '127.0.0.1:3939', workers: 3, protocol: 'http-socket' });
      await nginxSite(host, { name: 'basket', server: 'location / { proxy_pass http://127.0.0.1:3939; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: host => uwsgi(host, { name: 'basket', code: wsgiApp('basket'), bind: '127.0.0.1:3939', workers: 3 }),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
  }),
];
