import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { certificate } from '../servers/certificates.ts';
import { noNewerNginx, upgradeNginx } from '../servers/newer-nginx.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttps } from '../servers/node.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';
import { rawTcp } from '../servers/raw-tcp.ts';

const once = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n';
const twice = `${once}Content-Length: 3\r\n`;
const legacy = (host: LabHost, head: string): Promise<void> =>
  rawTcp(host, { name: 'stock', listen: '127.0.0.1:7644', behaviour: 'answer', text: `${head}\r\nok\n` });

/** It speaks TLS 1.3 with a cipher that nobody offers unasked, and TLS 1.2 with the usual ones. */
const oneThirteenCipher =
  "ciphers: 'TLS_AES_128_CCM_8_SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', honorCipherOrder: true,";

export default [
  defineScenario({
    name: 'upgrade-changed-defaults',
    title: 'The backend has sent Content-Length twice for years; nginx is upgraded to a version that refuses that',
    kind: 'fault',
    fault: 'upgrade-changed-defaults',
    obstacle: noNewerNginx,
    setUp: async host => {
      await legacy(host, twice);
      await nginxSite(host, { name: 'stock', server: 'location / { proxy_pass http://127.0.0.1:7644; }' });
      await startNginx(host);
      // No backend is put in place in the second of its last good answer: logs know no more than seconds.
      await host.shell('sleep 1.1');
    },
    breakIt: upgradeNginx,
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      consequences: ['invalid-response-header'],
      evidence: ['dpkg.log', /from 1\.22\.1/, 'duplicate header line'],
    },
    repair: host => legacy(host, once),
  }),
  defineScenario({
    name: 'upgrade-changed-defaults-tls',
    title: 'After its upgrade nginx offers TLS 1.3 to a backend that has nothing but trouble with it',
    kind: 'fault',
    fault: 'upgrade-changed-defaults',
    obstacle: noNewerNginx,
    setUp: async host => {
      const files = await certificate(host, { file: 'claims', names: ['claims.test'], folder: '/srv/claims-tls' });
      await host.run(['chown', 'www-data', files.key]);
      await nodeApp(host, { name: 'claims', code: nodeHttps(files, oneThirteenCipher), listen: '127.0.0.1:8694' });
      await nginxSite(host, { name: 'claims', server: 'location /claims/ { proxy_pass https://127.0.0.1:8694; }', logs: 'own' });
      await startNginx(host);
      // As above.
      await host.shell('sleep 1.1');
    },
    url: 'http://127.0.0.1/claims/',
    breakIt: upgradeNginx,
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, evidence: [/from 1\.22\.1/] },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'upgrade-changed-defaults-twin-deploy',
    title: 'nginx was upgraded without harm; a deploy of the backend some seconds later sends Content-Length twice',
    kind: 'twin',
    fault: 'invalid-response-header',
    twinOf: 'upgrade-changed-defaults',
    obstacle: noNewerNginx,
    setUp: async host => {
      await legacy(host, once);
      await nginxSite(host, { name: 'stock', server: 'location / { proxy_pass http://127.0.0.1:7644; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await upgradeNginx(host);
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'], count: 3 });
      if (!counts['200']) throw new Error(JSON.stringify(counts));
      await legacy(host, twice);
    },
    expect: { verdict: 'failing', status: 'active' },
  }),
  defineScenario({
    name: 'upgrade-changed-defaults-twin-other-package',
    title: 'Another package was upgraded, and nginx was put in place again as it was; the backend sends a field with a blank in its name',
    kind: 'twin',
    fault: 'invalid-response-header',
    twinOf: 'upgrade-changed-defaults',
    setUp: async host => {
      await legacy(host, once);
      await nginxSite(host, { name: 'stock', server: 'location / { proxy_pass http://127.0.0.1:7644; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      const now = (await host.run(['date', '+%F %T'])).trim();
      const version = (await host.run(['dpkg-query', '--show', '--showformat', '${Version}', 'nginx'])).trim();
      await host.write(
        '/var/log/dpkg.log',
        `${now} upgrade libnginx-mod-http-geoip:amd64 1:1.20.2-1 ${version}\n${now} upgrade nginx:amd64 ${version} ${version}\n${now} upgrade curl:amd64 1.22.0-1 1.23.1-1\n`,
      );
      await legacy(host, `${once}Bad Name: x\r\n`);
    },
    expect: { verdict: 'failing', status: 'active' },
    repair: host => legacy(host, once),
  }),
  defineScenario({
    name: 'upgrade-changed-defaults-without-harm',
    title: 'nginx is upgraded over all these versions, and its backend is not touched by any change',
    kind: 'healthy',
    obstacle: noNewerNginx,
    setUp: async host => {
      await gunicorn(host, { name: 'wiki', code: wsgiApp('wiki'), bind: '127.0.0.1:8695' });
      await nginxSite(host, { name: 'wiki', server: 'location / { proxy_pass http://127.0.0.1:8695; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: upgradeNginx,
    expect: { verdict: ['healthy', 'recovered'] },
  }),
];
