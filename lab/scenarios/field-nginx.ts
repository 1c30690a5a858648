import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import type { Scenario } from '../scenario.ts';
import { nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { nameServer } from '../servers/names.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { apacheBackend } from '../servers/apache.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';
import { isListening } from '../servers/listening.ts';

/** Either name may stand first where the catalogue leaves both open. */
function either(scenario: Scenario, ...faults: readonly string[]): Scenario {
  return { ...scenario, expect: { ...scenario.expect, orFirst: faults } };
}

async function nobodyAnswers(host: LabHost): Promise<void> {
  const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
  if (!counts['ECONNREFUSED']) throw new Error(JSON.stringify(counts));
}

const simple = async (host: LabHost, name: string, port: number): Promise<void> => {
  await gunicorn(host, { name, code: wsgiApp(name), bind: `127.0.0.1:${port}`, workers: 1 });
  await nginxSite(host, { name, log: 'timed', server: `location / { proxy_pass http://127.0.0.1:${port}; }` });
  await startNginx(host);
};

export default [
  defineScenario({
    name: 'field-both-peers-stopped',
    title: 'Both peers of a group are stopped: two refusals a worker, then nothing but no live upstreams',
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      for (const [name, port] of [
        ['web-a', 4101],
        ['web-b', 4102],
      ] as const)
        await nodeApp(host, { name, code: nodeHttp(), listen: `127.0.0.1:${port}` });
      await nginxSite(host, {
        name: 'pair',
        http: 'upstream unused { server 127.0.0.1:1; server 127.0.0.1:2 backup; }\nupstream pair {\n  server 127.0.0.1:4101 fail_timeout=60s;\n  server 127.0.0.1:4102 fail_timeout=60s;\n  server 127.0.0.1:4103 down;\n}',
        server: 'location / { proxy_pass http://pair; }',
      });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'web-a', 'web-b'),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, consequences: ['no-live-upstreams'] },
  }),

  defineScenario({
    name: 'field-peers-are-back-nginx-waits',
    title: 'Both peers were away for a moment and answer again, but fail_timeout keeps them out for minutes',
    kind: 'fault',
    fault: 'no-live-upstreams',
    setUp: async host => {
      for (const [name, port] of [
        ['n1', 4301],
        ['n2', 4302],
      ] as const)
        await nodeApp(host, { name, code: nodeHttp(), listen: `127.0.0.1:${port}` });
      await nginxSite(host, {
        name: 'farm',
        log: 'timed',
        http: 'upstream farm {\n  zone farm 64k;\n  server 127.0.0.1:4301 fail_timeout=300s;\n  server 127.0.0.1:4302 fail_timeout=300s;\n}',
        server: 'location / { proxy_pass http://farm; }',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.systemctl('stop', 'n1', 'n2');
      await host.request({ urls: ['http://127.0.0.1/'], count: 4 });
      await host.start('n1', 'n2');
      await host.until('both peers', () => Promise.resolve(isListening(host, '127.0.0.1:4301') && isListening(host, '127.0.0.1:4302')));
    },
    trafficMs: 3000,
    expect: { verdict: 'failing', status: 'active', firstConfidence: ['confirmed', 'likely', 'possible'], notFindings: ['backend-down'] },
    repair: host => reloadNginx(host),
  }),

  defineScenario({
    name: 'field-broken-include-at-rest',
    title: 'A half-written file lies in conf.d; everything still runs with the old configuration',
    kind: 'fault',
    fault: 'nginx-config-invalid',
    setUp: host => simple(host, 'calm', 8205),
    breakIt: host =>
      host.write(
        '/etc/nginx/conf.d/zz-new-feature.conf',
        '# proxy_pass http://old;\nserver {\n  listen 8099;\n  location / {\n    proxy_pass http://127.0.0.1:8205\n    proxy_set_header Host $host;\n  }\n}\n',
      ),
    symptom: async host => {
      if ((await host.exec(['nginx', '-t'])).code === 0) throw new Error('nginx -t is content');
    },
    expect: {
      verdict: 'at-risk',
      firstConfidence: 'confirmed',
      status: 'latent',
      evidence: [/zz-new-feature\.conf/],
      notFindings: ['nginx-down', 'backend-down'],
    },
  }),

  either(
    defineScenario({
      name: 'field-restart-with-broken-config',
      title: 'nginx was restarted with a configuration that names a host without an address, and did not come up',
      kind: 'fault',
      fault: 'nginx-config-invalid',
      setUp: async host => {
        await nameServer(host, { 'wiki.corp.test': '127.0.0.1' });
        await simple(host, 'docs', 8206);
      },
      breakIt: async host => {
        await replaceIn(host, '/etc/nginx/sites-enabled/docs.conf', 'server {', 'upstream later { server wiki.nowhere.invalid:80; }\nserver {');
        await host.exec(['systemctl', 'restart', 'nginx']);
      },
      symptom: nobodyAnswers,
      expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', notFindings: ['backend-down', 'nginx-port-conflict'] },
    }),
    'nginx-down',
    'dns-name-not-found',
  ),

  defineScenario({
    name: 'field-edited-not-reloaded',
    title: 'The backend moved, the file was corrected, and nobody reloaded nginx',
    kind: 'fault',
    fault: 'nginx-config-not-reloaded',
    setUp: async host => {
      await nodeApp(host, { name: 'pics', code: nodeHttp(), listen: '127.0.0.1:3600' });
      await nginxSite(host, { name: 'pics', http: 'upstream pics { server 127.0.0.1:3600; }', server: 'location / { proxy_pass http://pics; }' });
      await startNginx(host);
      await new Promise(resolve => setTimeout(resolve, 1200));
    },
    breakIt: async host => {
      await nodeApp(host, { name: 'pics', code: nodeHttp(), listen: '127.0.0.1:3699' });
      await replaceIn(host, '/etc/nginx/sites-enabled/pics.conf', ':3600', ':3699');
    },
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.9,
      notFindings: ['address-mismatch', 'backend-down'],
    },
    repair: host => reloadNginx(host),
  }),

  defineScenario({
    name: 'field-nginx-stopped',
    title: 'nginx was stopped and not started again; the application behind it is well',
    kind: 'fault',
    fault: 'nginx-down',
    setUp: host => simple(host, 'agenda', 8207),
    breakIt: host => host.systemctl('stop', 'nginx'),
    symptom: nobodyAnswers,
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      notFindings: ['backend-down', 'nginx-config-invalid', 'nginx-port-conflict'],
    },
    repair: host => host.start('nginx'),
  }),

  defineScenario({
    name: 'field-apache-took-port-80',
    title: 'After a reboot Apache was first on port 80 and nginx could not start',
    kind: 'fault',
    fault: 'nginx-port-conflict',
    setUp: host => simple(host, 'shop', 8208),
    breakIt: async host => {
      await host.systemctl('stop', 'nginx');
      await apacheBackend(host, { listen: '80', files: { 'index.html': 'It works!\n' } });
      await host.exec(['systemctl', 'start', 'nginx']);
    },
    symptom: async host => {
      const { responses } = await host.request({ urls: ['http://127.0.0.1/'] });
      if (!responses[0]?.body.includes('It works')) throw new Error('Apache does not answer');
    },
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      evidence: [/apache2|Address already in use/],
      notFindings: ['backend-down', 'nginx-config-invalid'],
    },
    repair: async host => {
      await host.systemctl('stop', 'apache2');
      await host.start('nginx');
    },
  }),

  defineScenario({
    name: 'field-format-cannot-tell',
    title: 'All is well, but the format in force says nothing of upstreams',
    kind: 'fault',
    fault: 'logging-not-ready',
    setUp: async host => {
      await gunicorn(host, { name: 'radio', code: wsgiApp(), bind: 'unix:/run/radio/r.sock' });
      await host.write(
        '/etc/nginx/conf.d/radio.conf',
        `log_format site '$host $remote_addr [$time_iso8601] "$request" $status $bytes_sent $request_time';
server { listen 80; access_log /var/log/nginx/radio.log site; location / { proxy_pass http://unix:/run/radio/r.sock; } }
`,
      );
      await startNginx(host);
    },
    symptom: () => Promise.resolve(),
    expect: { verdict: ['healthy', 'at-risk'], status: 'latent', notFindings: ['backend-down'] },
  }),

  defineScenario({
    name: 'field-nginx-before-nginx',
    title: 'The public server hands to a second server block of the same nginx, whose backend is stopped',
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      await nodeApp(host, { name: 'kernel', code: nodeHttp(), listen: '127.0.0.1:8333' });
      await nginxSite(host, { name: 'inner', listen: '127.0.0.1:8082', server: 'location / { proxy_pass http://127.0.0.1:8333; }', logs: 'own' });
      await nginxSite(host, { name: 'public', log: 'timed', server: 'location / { proxy_pass http://127.0.0.1:8082; }', logs: 'own' });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'kernel'),
    expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', minShare: 0.9, notFindings: ['firewall-reject'] },
    repair: host => host.start('kernel'),
  }),

  defineScenario({
    name: 'field-slow-url-blocks-all',
    title: 'One slow URL marks both peers as failed, and every other request gets no live upstreams',
    kind: 'fault',
    fault: 'backend-slower-than-timeout',
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/', 'http://127.0.0.1/slow?s=2', 'http://127.0.0.1/'], rps: 10 },
    setUp: async host => {
      for (const [name, port] of [
        ['left', 8411],
        ['right', 8412],
      ] as const)
        await gunicorn(host, { name, code: wsgiApp(), bind: `127.0.0.1:${port}`, threads: 16 });
      await nginxSite(host, {
        name: 'duo',
        log: 'timed',
        http: 'upstream duo { server 127.0.0.1:8411; server 127.0.0.1:8412; }',
        server: 'location / { proxy_pass http://duo; proxy_read_timeout 500ms; }',
      });
      await startNginx(host);
    },
    trafficMs: 3000,
    expect: {
      verdict: 'failing',
      status: 'active',
      firstConfidence: ['confirmed', 'likely', 'possible'],
      consequences: ['no-live-upstreams'],
      notFindings: ['backend-down', 'backend-hung'],
    },
  }),
];
