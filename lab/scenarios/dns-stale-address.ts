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
    name: 'dns-stale-address-kept-by-the-resolver',
    title: 'A variable holds the name, and nginx was told to keep each answer for an hour; the service and its record moved',
    kind: 'fault',
    fault: 'dns-stale-address',
    setUp: async host => {
      await nameServer(host, { [NAME]: '127.0.0.4' }, { system: true });
      await gunicorn(host, { name: 'rates', code: wsgiApp('rates'), bind: '127.0.0.4:8823' });
      await nginxSite(host, {
        name: 'rates',
        server: `resolver 127.0.0.53 valid=1h ipv6=off;\nset $rates ${NAME};\nlocation / { proxy_pass http://$rates:8823; }`,
      });
      await startNginx(host);
      // Each worker keeps an answer of its own.
      await host.request({ urls: ['http://127.0.0.1/'], count: 24 });
    },
    breakIt: async host => {
      await nameServer(host, { [NAME]: '127.0.0.5' });
      await gunicorn(host, { name: 'rates', code: wsgiApp('rates'), bind: '127.0.0.5:8823' });
    },
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      evidence: ['127.0.0.5', '127.0.0.4:8823'],
      notFindings: ['address-mismatch', 'nginx-config-not-reloaded'],
    },
    fix: 'first-plan',
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
