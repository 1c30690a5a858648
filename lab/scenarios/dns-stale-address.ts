import { defineScenario } from '../scenario.ts';
import { nameServer } from '../servers/names.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

const NAME = 'tariffs.corp.example';

export default [
  defineScenario({
    name: 'dns-stale-address',
    title: 'The service moved to another address, its record followed, and nginx was not told',
    kind: 'fault',
    fault: 'dns-stale-address',
    setUp: async host => {
      await nameServer(host, { [NAME]: '127.0.0.2' });
      await gunicorn(host, { name: 'tariffs', code: wsgiApp('tariffs'), bind: '127.0.0.2:8811' });
      await nginxSite(host, {
        name: 'tariffs',
        http: `upstream tariffs { server ${NAME}:8811; }`,
        server: 'location / { proxy_pass http://tariffs; }',
        log: 'timed',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await nameServer(host, { [NAME]: '127.0.0.3' });
      await gunicorn(host, { name: 'tariffs', code: wsgiApp('tariffs'), bind: '127.0.0.3:8811' });
    },
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      evidence: ['127.0.0.3', '127.0.0.2:8811'],
      notFindings: ['address-mismatch'],
    },
    fix: 'first-plan',
    repair: host => host.systemctl('reload', 'nginx'),
  }),
  defineScenario({
    name: 'dns-stale-address-twin-stopped',
    title: 'The record is as it was, and the service was stopped',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'dns-stale-address',
    setUp: async host => {
      await nameServer(host, { [NAME]: '127.0.0.2', 'old.corp.example': '127.0.0.9' });
      await gunicorn(host, { name: 'tariffs', code: wsgiApp('tariffs'), bind: '127.0.0.2:8811' });
      await nginxSite(host, { name: 'tariffs', server: `location / { proxy_pass http://${NAME}:8811; }` });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'tariffs'),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
    fix: 'first-plan',
    repair: host => host.start('tariffs'),
  }),
  defineScenario({
    name: 'dns-stale-address-twin-one-of-two',
    title: 'The name has two addresses, which its server gives in turn; the service on one of them was stopped',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'dns-stale-address',
    setUp: async host => {
      await nameServer(host, { [NAME]: ['127.0.0.2', '127.0.0.3'] });
      await gunicorn(host, { name: 'tariffs', code: wsgiApp('tariffs'), bind: '127.0.0.2:8811' });
      await gunicorn(host, { name: 'tariffs-b', code: wsgiApp('tariffs'), bind: '127.0.0.3:8811' });
      await nginxSite(host, {
        name: 'tariffs',
        http: `upstream tariffs { server ${NAME}:8811 max_fails=0; }`,
        server: 'location / { proxy_pass http://tariffs; proxy_next_upstream off; }',
        log: 'timed',
      });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'tariffs-b'),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', evidence: ['127.0.0.3:8811'] },
    fix: 'first-plan',
    repair: host => host.start('tariffs-b'),
  }),
];
