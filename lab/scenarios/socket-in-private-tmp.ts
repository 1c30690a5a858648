import { defineScenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

export default [
  defineScenario({
    name: 'socket-in-private-tmp',
    title: 'The unit got a /tmp of its own, and its socket went there',
    kind: 'fault',
    fault: 'socket-in-private-tmp',
    setUp: async host => {
      await gunicorn(host, { name: 'recipes', code: wsgiApp('recipes'), bind: 'unix:/tmp/recipes.sock' });
      await nginxSite(host, { name: 'recipes', server: 'location / { proxy_pass http://unix:/tmp/recipes.sock; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.shell(
        "sed -i 's/^\\[Service\\]/[Service]\\nPrivateTmp=yes/' /etc/systemd/system/recipes.service && systemctl daemon-reload && systemctl restart recipes",
      );
      await host.until('the service to listen', async () => (await host.exec(['sh', '-c', 'grep -q recipes.sock /proc/net/unix'])).code === 0);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      evidence: ['PrivateTmp=yes'],
      notFindings: ['backend-down', 'socket-missing'],
    },
    repair: async host => {
      await host.shell("sed -i '/^PrivateTmp/d' /etc/systemd/system/recipes.service && systemctl daemon-reload && systemctl restart recipes");
    },
  }),
  defineScenario({
    name: 'socket-in-private-tmp-twin-removed',
    title: 'A clean-up removed the socket from the /tmp that all share',
    kind: 'twin',
    fault: 'socket-missing',
    twinOf: 'socket-in-private-tmp',
    setUp: async host => {
      await gunicorn(host, { name: 'recipes', code: wsgiApp('recipes'), bind: 'unix:/tmp/recipes.sock' });
      await nginxSite(host, { name: 'recipes', server: 'location / { proxy_pass http://unix:/tmp/recipes.sock; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.run(['rm', '/tmp/recipes.sock']);
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
    fix: 'first-plan',
    repair: host => host.restart('recipes'),
  }),
];
