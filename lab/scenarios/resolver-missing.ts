import { defineScenario } from '../scenario.ts';
import { nameServer } from '../servers/names.ts';
import { nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';

const SITE = '/etc/nginx/sites-enabled/chat.conf';
const RESOLVER = '    resolver 127.0.0.54:5300 ipv6=off;\n';

export default [
  defineScenario({
    name: 'resolver-missing',
    title: 'The resolver line was lost when the configuration was tidied; the upstream is a variable',
    kind: 'fault',
    fault: 'resolver-missing',
    setUp: async host => {
      await nameServer(host, { 'chat.svc.example': '127.0.0.1' }, { listen: '127.0.0.54', port: 5300, system: false });
      await nodeApp(host, { name: 'chat', code: nodeHttp("response.end('chat\\n');"), listen: '127.0.0.1:3890' });
      await nginxSite(host, { name: 'chat', server: `${RESOLVER}    set $chat http://chat.svc.example:3890;\n    location / { proxy_pass $chat; }` });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, SITE, RESOLVER, '');
      await reloadNginx(host);
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, notFindings: ['dns-name-not-found', 'backend-down'] },
    repair: async host => {
      await replaceIn(host, SITE, '    set $chat', `${RESOLVER}    set $chat`);
      await reloadNginx(host);
    },
  }),
  defineScenario({
    name: 'resolver-missing-twin-unknown-name',
    title: 'A resolver is there and says that the name does not exist',
    kind: 'twin',
    fault: 'dns-name-not-found',
    twinOf: 'resolver-missing',
    setUp: async host => {
      await nameServer(host, { 'chat.svc.example': '127.0.0.1' }, { listen: '127.0.0.54', port: 5300, system: false });
      await nodeApp(host, { name: 'chat', code: nodeHttp("response.end('chat\\n');"), listen: '127.0.0.1:3890' });
      await nginxSite(host, { name: 'chat', server: `${RESOLVER}    set $chat http://chat.svc.example:3890;\n    location / { proxy_pass $chat; }` });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, SITE, 'chat.svc.example', 'chatt.svc.example');
      await reloadNginx(host);
    },
    expect: { verdict: 'failing', status: 'active' },
    repair: async host => {
      await replaceIn(host, SITE, 'chatt.svc.example', 'chat.svc.example');
      await reloadNginx(host);
    },
  }),
  defineScenario({
    name: 'resolver-missing-system-knows',
    title: 'A pass got a variable, and the name server of the system, which knows the name, was not given to nginx',
    kind: 'fault',
    fault: 'resolver-missing',
    setUp: async host => {
      await nameServer(host, { 'depot.svc.example': '127.0.0.1' });
      await nodeApp(host, { name: 'depot', code: nodeHttp("response.end('depot\\n');"), listen: '127.0.0.1:3977' });
      await nginxSite(host, { name: 'depot', server: 'location / { proxy_pass http://depot.svc.example:3977; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(
        host,
        '/etc/nginx/sites-enabled/depot.conf',
        'proxy_pass http://depot.svc.example:3977',
        'set $host_name depot.svc.example;\n        proxy_pass http://$host_name:3977',
      );
      await reloadNginx(host);
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, notFindings: ['dns-name-not-found', 'backend-down'] },
    fix: 'first-plan',
  }),
];
