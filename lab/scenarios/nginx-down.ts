import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { apacheBackend } from '../servers/apache.ts';
import { fastcgiPass, nginxSite, startNginx } from '../servers/nginx.ts';
import { phpFpm } from '../servers/php-fpm.ts';

const setUp = async (host: LabHost): Promise<void> => {
  await phpFpm(host, { pool: 'tours', listen: '/run/php/tours.sock', root: '/var/www/tours', files: { 'index.php': '<?php echo "tours\\n";' } });
  await nginxSite(host, { name: 'tours', server: fastcgiPass('unix:/run/php/tours.sock', '/var/www/tours') });
  await startNginx(host);
};

const isRefused = async (host: LabHost): Promise<void> => {
  const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
  if (!counts['ECONNREFUSED']) throw new Error(`clients are not refused: ${JSON.stringify(counts)}`);
};

export default [
  defineScenario({
    name: 'nginx-down',
    title: 'nginx itself was stopped; the backend is well',
    kind: 'fault',
    fault: 'nginx-down',
    setUp,
    breakIt: host => host.systemctl('stop', 'nginx'),
    symptom: isRefused,
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', notFindings: ['backend-down', 'nginx-port-conflict'] },
    fix: 'first-plan',
    repair: host => host.start('nginx'),
  }),
  defineScenario({
    name: 'nginx-down-twin-port-taken',
    title: 'nginx cannot start because Apache has taken its port',
    kind: 'twin',
    fault: 'nginx-port-conflict',
    twinOf: 'nginx-down',
    setUp,
    breakIt: async host => {
      await host.systemctl('stop', 'nginx');
      await apacheBackend(host, { listen: '80', files: { 'index.html': 'It works!\n' } });
      const outcome = await host.exec(['systemctl', 'start', 'nginx']);
      if (outcome.code === 0) throw new Error('nginx has started');
    },
    symptom: async host => {
      const { responses } = await host.request({ urls: ['http://127.0.0.1/'] });
      if (responses[0]?.body.includes('tours')) throw new Error('nginx still serves');
    },
    expect: { verdict: 'failing', status: 'active' },
    repair: async host => {
      await host.systemctl('stop', 'apache2');
      await host.start('nginx');
    },
  }),
  defineScenario({
    name: 'nginx-down-killed',
    title: 'Every process of nginx was killed, and its unit does not bring it back',
    kind: 'fault',
    fault: 'nginx-down',
    setUp,
    breakIt: async host => {
      await host.shell('pkill -KILL -x nginx');
      await host.until('the unit to see it', async () => (await host.exec(['systemctl', 'is-active', '--quiet', 'nginx'])).code !== 0);
    },
    symptom: isRefused,
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', notFindings: ['nginx-port-conflict'] },
    fix: 'first-plan',
  }),
];
