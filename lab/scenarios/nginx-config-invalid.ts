import { defineScenario } from '../scenario.ts';
import { nginxSite, replaceIn, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

const SITE = '/etc/nginx/sites-enabled/club.conf';

const setUp = async (host: Parameters<typeof startNginx>[0]): Promise<void> => {
  await gunicorn(host, { name: 'club', code: wsgiApp('club'), bind: '127.0.0.1:8666' });
  await nginxSite(host, { name: 'club', server: 'location / {\n    proxy_pass http://127.0.0.1:8666;\n}' });
  await startNginx(host);
};

const answers = async (host: Parameters<typeof startNginx>[0]): Promise<void> => {
  const { counts } = await host.request({ urls: ['http://127.0.0.1/'], count: 3 });
  if (counts['200'] !== 3) throw new Error(`not all well: ${JSON.stringify(counts)}`);
};

export default [
  defineScenario({
    name: 'nginx-config-invalid',
    title: 'A semicolon is missing in a file that nginx has not loaded yet; users notice nothing',
    kind: 'fault',
    fault: 'nginx-config-invalid',
    setUp,
    healthy: async host => {
      await answers(host);
      await host.run(['nginx', '-t', '-q']);
    },
    breakIt: host => replaceIn(host, SITE, ':8666;', ':8666'),
    symptom: async host => {
      await answers(host);
      if ((await host.exec(['nginx', '-t', '-q'])).code === 0) throw new Error('nginx -t still passes');
    },
    expect: { verdict: 'at-risk', exitCode: 1, firstConfidence: 'confirmed', status: 'latent', evidence: ['club.conf'] },
    fix: 'first-plan',
    repair: host => replaceIn(host, SITE, ':8666', ':8666;'),
  }),
  defineScenario({
    name: 'nginx-config-invalid-twin-backend-stopped',
    title: 'The backend was stopped; the configuration is odd and valid',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'nginx-config-invalid',
    setUp,
    breakIt: async host => {
      await host.write('/etc/nginx/conf.d/odd.conf', '# a comment without an end {\nmap $host $odd { default "}"; }\n');
      await host.run(['nginx', '-t', '-q']);
      await host.systemctl('stop', 'club');
    },
    expect: { verdict: 'failing', status: 'active' },
    repair: host => host.start('club'),
  }),
];
