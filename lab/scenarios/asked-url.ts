import type { Report } from '../../src/core/model/report.ts';
import { certificate, certificateAuthority } from '../servers/certificates.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';
import { defineScenario } from '../scenario.ts';

const url = 'http://shop.test/orders?id=7';

/** What the report must say of the request that badhop itself sent. */
function askedProblems(report: Report, status: number, log: string): string[] {
  const request = report.trace?.hops[0]?.requests[0];
  const lines = report.symptoms.filter(({ id }) => id.startsWith('url-')).flatMap(({ samples }) => samples);
  return [
    ...(request?.status === status ? [] : [`the request got ${request?.status ?? 'no status'}, not ${status}`]),
    ...(status < 500 || lines.some(({ source }) => source === `file:${log}`) ? [] : [`no line of ${log} was found for the request: ${JSON.stringify(lines)}`]),
    ...(report.notChecked.some(({ what }) => what === 'The log line of the request') ? ['the log line of the request was not found'] : []),
  ];
}

export default [
  defineScenario({
    name: 'asked-url-fails',
    title: 'Nobody asks for the page but badhop itself, and its own request proves what is wrong',
    kind: 'fault',
    fault: 'backend-down',
    url: 'http://127.0.0.1/orders',
    traffic: false,
    args: ['--url', url],
    setUp: async host => {
      await gunicorn(host, { name: 'orders', code: wsgiApp('orders'), bind: '127.0.0.1:8017', workers: 1 });
      await nginxSite(host, { name: 'shop', http: 'upstream orders { server 127.0.0.1:8017; }', server: 'location / { proxy_pass http://orders; }' });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'orders'),
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      findings: [{ fault: 'error-answer', status: 'active' }],
      evidence: [/badhop-[0-9a-f]{16}/],
      check: report => askedProblems(report, 502, '/var/log/nginx/error.log'),
    },
    repair: host => host.start('orders'),
  }),
  defineScenario({
    name: 'asked-url-is-well',
    title: 'The page that badhop asks for is answered well over TLS, by a certificate of the house',
    kind: 'healthy',
    traffic: false,
    args: ['--url', 'https://shop.test/orders'],
    setUp: async host => {
      await gunicorn(host, { name: 'orders', code: wsgiApp('orders'), bind: '127.0.0.1:8017', workers: 1 });
      const { certificate: crt, key } = await certificate(host, { file: 'shop', names: ['shop.test'], ca: await certificateAuthority(host) });
      await nginxSite(host, {
        name: 'shop',
        server: `listen 443 ssl; ssl_certificate ${crt}; ssl_certificate_key ${key}; location / { proxy_pass http://127.0.0.1:8017; }`,
      });
      await startNginx(host);
    },
    expect: { verdict: 'healthy', check: report => askedProblems(report, 200, '/var/log/nginx/access.log') },
  }),
];
