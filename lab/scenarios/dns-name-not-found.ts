import { defineScenario } from '../scenario.ts';
import { nameServer } from '../servers/names.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

const NAME = 'reviews.internal.example';

export default [
  defineScenario({
    name: 'dns-name-not-found',
    title: 'The record of the upstream was removed from the name server that nginx asks',
    kind: 'fault',
    fault: 'dns-name-not-found',
    setUp: async host => {
      await nameServer(host, { [NAME]: '127.0.0.1' });
      await gunicorn(host, { name: 'reviews', code: wsgiApp('reviews'), bind: '127.0.0.1:8905' });
      await nginxSite(host, {
        name: 'reviews',
        server: `resolver 127.0.0.53 valid=1s ipv6=off;\nlocation / { set $backend ${NAME}; proxy_pass http://$backend:8905; }`,
        log: 'timed',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await nameServer(host, { 'other.internal.example': '127.0.0.1' });
      // Until the answer that nginx remembers has expired.
      await host.until(
        'the name to be unknown',
        async () => (await host.exec(['curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', 'http://127.0.0.1/'])).stdout === '502',
      );
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', evidence: [NAME], notFindings: ['backend-down', 'resolver-missing'] },
    repair: host => nameServer(host, { [NAME]: '127.0.0.1' }),
  }),
  defineScenario({
    name: 'dns-name-not-found-twin-no-resolver',
    title: 'The name exists, and nginx was given nobody to ask',
    kind: 'twin',
    fault: 'resolver-missing',
    twinOf: 'dns-name-not-found',
    setUp: async host => {
      await nameServer(host, { [NAME]: '127.0.0.1' });
      await gunicorn(host, { name: 'reviews', code: wsgiApp('reviews'), bind: '127.0.0.1:8905' });
      await nginxSite(host, { name: 'reviews', server: `location / { set $backend ${NAME}; proxy_pass http://$backend:8905; }` });
      await startNginx(host);
    },
    healthy: async host => {
      await host.run(['getent', 'hosts', NAME]);
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
  }),
  defineScenario({
    name: 'dns-name-not-found-at-start',
    title: 'A server of the upstream has no record any more, and nginx was restarted',
    kind: 'fault',
    fault: 'dns-name-not-found',
    setUp: async host => {
      await nameServer(host, { [NAME]: '127.0.0.1', 'spare.internal.example': '127.0.0.1' });
      await gunicorn(host, { name: 'reviews', code: wsgiApp('reviews'), bind: '127.0.0.1:8905' });
      await nginxSite(host, {
        name: 'reviews',
        http: `upstream reviews {\n    server ${NAME}:8905;\n    server spare.internal.example:8905 backup;\n}`,
        server: 'location / { proxy_pass http://reviews; }',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await nameServer(host, { [NAME]: '127.0.0.1' });
      await host.exec(['systemctl', 'restart', 'nginx']);
    },
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
      if (counts['ECONNREFUSED'] !== 1) throw new Error(`nginx answers: ${JSON.stringify(counts)}`);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      evidence: ['spare.internal.example'],
      consequences: ['nginx-config-invalid'],
      notFindings: ['dns-resolver-unreachable'],
    },
    repair: async host => {
      await nameServer(host, { [NAME]: '127.0.0.1', 'spare.internal.example': '127.0.0.1' });
      await host.restart('nginx');
    },
  }),
];
