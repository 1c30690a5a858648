import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { apacheBackend } from '../servers/apache.ts';
import { waitForListener } from '../servers/listening.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { startUnit } from '../servers/unit.ts';

/** httpd as one builds it oneself, under a prefix of its own, with the layout that the sources come with. */
async function ownBuild(host: LabHost): Promise<void> {
  await host.shell('mkdir -p /srv/httpd/bin /srv/httpd/logs /srv/httpd/conf/extra /srv/httpd/htdocs; cp /usr/sbin/apache2 /srv/httpd/bin/httpd');
  await host.write('/srv/httpd/htdocs/index.html', 'intranet\n');
  await host.write(
    '/srv/httpd/conf/httpd.conf',
    `ServerRoot "/srv/httpd"
LoadModule mpm_worker_module /usr/lib/apache2/modules/mod_mpm_worker.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
Define base_port 81
PidFile logs/httpd.pid
ErrorLog logs/error_log
User www-data
Group www-data
ServerName localhost
<IfModule !ssl_module>
  Include conf/extra/*.conf
</IfModule>
<IfModule ssl_module>
  Listen 8444
</IfModule>
`,
  );
  await host.write(
    '/srv/httpd/conf/extra/intranet.conf',
    `Listen \\
  127.0.0.1:\${base_port}40
<VirtualHost *>
  DocumentRoot htdocs
  <Directory "/srv/httpd/htdocs">
    Require all granted
  </Directory>
</VirtualHost>
`,
  );
  await startUnit(host, { unit: 'intranet.service', exec: '/srv/httpd/bin/httpd -d /srv/httpd -f conf/httpd.conf -DFOREGROUND', user: 'root' });
  await waitForListener(host, '127.0.0.1:8140');
}

export default [
  defineScenario({
    name: 'field-apache-own-build',
    title: "An httpd under a prefix of its own was stopped; Debian's own Apache is installed and was never used",
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      await ownBuild(host);
      await nginxSite(host, { name: 'front', server: 'location / { proxy_pass http://127.0.0.1:8140; }' });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'intranet'),
    trafficMs: 1500,
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', subject: { id: 'unit:intranet.service' }, minShare: 0.9 },
    repair: host => host.start('intranet'),
  }),
  defineScenario({
    name: 'field-apache-second-instance',
    title: 'Of two instances of Apache the second was stopped, and a third one never ran; the first answers on the next port',
    kind: 'fault',
    fault: 'backend-down',
    url: 'http://127.0.0.1:8100/',
    setUp: async host => {
      await apacheBackend(host, { listen: '127.0.0.1:8170' });
      await host.shell(`cp -a /etc/apache2 /etc/apache2-shop; cp -a /etc/apache2 /etc/apache2-test; mkdir -p /var/log/apache2-shop
printf 'Listen 127.0.0.1:8171\\n' > /etc/apache2-shop/ports.conf; printf 'Listen 127.0.0.1:8172\\n' > /etc/apache2-test/ports.conf
sed -i 's/:8170>/:8171>/' /etc/apache2-shop/sites-enabled/000-default.conf`);
      // What is meant to run is enabled: systemd forgets other instances as soon as they end.
      await host.systemctl('enable', '--now', 'apache2@shop');
      await waitForListener(host, '127.0.0.1:8171');
      await nginxSite(host, { name: 'blog', server: 'location / { proxy_pass http://127.0.0.1:8170; }' });
      await nginxSite(host, { name: 'shop', listen: '8100', server: 'location / { proxy_pass http://127.0.0.1:8171; }' });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'apache2@shop'),
    trafficMs: 1500,
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      subject: { id: 'unit:apache2@shop.service' },
      notFindings: ['address-mismatch'],
    },
    repair: host => host.start('apache2@shop'),
  }),
];
