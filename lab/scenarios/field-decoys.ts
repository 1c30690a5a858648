import type { Report } from '../../src/core/model/report.ts';
import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import type { Scenario } from '../scenario.ts';
import { apacheBackend } from '../servers/apache.ts';
import { certificate } from '../servers/certificates.ts';
import { errorTime } from '../servers/log-times.ts';
import { fastcgiPass, nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { PHP_VERSION, phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

/** Where an honest observer can only guess, any guess may stand first. */
function withoutFirst(scenario: Scenario): Scenario {
  const { first: _first, ...expect } = scenario.expect;
  return { ...scenario, expect };
}

/** No finding of these faults may claim to be proven. */
function notConfirmed(...faults: readonly string[]): (report: Report) => string[] {
  return report =>
    report.findings
      .filter(each => faults.includes(each.fault) && each.confidence === 'confirmed')
      .map(each => `${each.fault} is called confirmed, and it is not so`);
}

const calm = async (host: LabHost, name: string, port: number): Promise<void> => {
  await nodeApp(host, { name, code: nodeHttp(), listen: `127.0.0.1:${port}` });
  await nginxSite(host, { name, server: `location / { proxy_pass http://127.0.0.1:${port}; }` });
};

export default [
  withoutFirst(
    defineScenario({
      name: 'field-two-gunicorns-one-oom',
      title: 'The gunicorn of a batch service was killed for memory; that of the site got a kill -9 by hand in the same minute',
      kind: 'fault',
      fault: 'backend-down',
      setUp: async host => {
        await gunicorn(host, { name: 'portal', code: wsgiApp(), bind: '127.0.0.1:8140' });
        await gunicorn(host, { name: 'batch', code: wsgiApp(), bind: '127.0.0.1:8141', workers: 1 });
        await nginxSite(host, { name: 'portal', server: 'location / { proxy_pass http://127.0.0.1:8140; }' });
        await startNginx(host);
      },
      breakIt: async host => {
        await host.limitMemory('batch', 90 << 20);
        await host.request({ urls: ['http://127.0.0.1:8141/grow?mb=300'], timeoutMs: 4000 });
        await host.systemctl('kill', '-s', 'KILL', 'portal');
      },
      expect: {
        verdict: 'failing',
        firstConfidence: ['confirmed', 'likely'],
        status: 'active',
        check: report => [
          ...(report.findings[0]?.fault === 'backend-oom-killed' ? ['the kill of another service is taken for the cause'] : []),
          ...notConfirmed('backend-oom-killed')(report),
        ],
      },
      repair: host => host.start('portal'),
    }),
  ),

  defineScenario({
    name: 'field-rule-behind-an-accept',
    title: 'A REJECT for the very port stands behind an ACCEPT, and another one counts for other interfaces alone; the backend is stopped',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'firewall-reject',
    setUp: async host => {
      await gunicorn(host, { name: 'lamp', code: wsgiApp(), bind: '127.0.0.1:8150' });
      await host.shell(
        'iptables -A INPUT ! -i lo -p tcp --dport 8150 -j DROP; iptables -A INPUT -i lo -j ACCEPT; iptables -A INPUT -p tcp --dport 8150 -j REJECT',
      );
      await nginxSite(host, { name: 'lamp', server: 'location / { proxy_pass http://127.0.0.1:8150; }' });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'lamp'),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, notFindings: ['firewall-drop'] },
    repair: host => host.start('lamp'),
  }),

  withoutFirst(
    defineScenario({
      name: 'field-app-was-uninstalled',
      title: 'The application was removed with its unit; two others of the same make serve sites of their own nearby',
      kind: 'fault',
      fault: 'backend-down',
      setUp: async host => {
        for (const [index, name] of ['red', 'green', 'blue'].entries()) {
          await gunicorn(host, { name, code: wsgiApp(name), bind: `127.0.0.1:816${index}` });
          await nginxSite(host, { name, listen: String(80 + index), server: `location / { proxy_pass http://127.0.0.1:816${index}; }` });
        }
        await startNginx(host);
      },
      breakIt: async host => {
        await host.systemctl('disable', '--now', 'red');
        await host.run(['rm', '-rf', '/srv/red', '/etc/systemd/system/red.service']);
        await host.systemctl('daemon-reload');
      },
      expect: { verdict: 'failing', status: 'active', notFindings: ['backend-oom-killed'], check: notConfirmed('address-mismatch') },
    }),
  ),

  defineScenario({
    name: 'field-other-pool-crashes',
    title: 'A pool that nginx does not ask loses children by signal 11; the site fails for headers that are too big',
    kind: 'twin',
    fault: 'response-header-too-big',
    twinOf: 'backend-crashing',
    url: 'http://127.0.0.1/account',
    healthy: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
      if (!counts['200']) throw new Error(JSON.stringify(counts));
    },
    setUp: async host => {
      await phpFpm(host, { pool: 'jobs', listen: '/run/php/jobs.sock', keepDefaultPool: true });
      await phpFpm(host, {
        pool: 'bank',
        listen: '/run/php/bank.sock',
        root: '/srv/bank',
        files: { 'index.php': '<?php if ($_SERVER["REQUEST_URI"] === "/account") header("Set-Cookie: jwt=" . str_repeat("e", 7000)); echo "ok";' },
        keepDefaultPool: true,
      });
      await nginxSite(host, { name: 'bank', server: fastcgiPass('unix:/run/php/bank.sock', '/srv/bank') });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.shell(
        `for i in 1 2 3; do echo "[$(date '+%d-%b-%Y %H:%M:%S')] WARNING: [pool jobs] child 9$i exited on signal 11 (SIGSEGV) after 3.2$i seconds from start" >> /var/log/php${PHP_VERSION}-fpm.log; done`,
      );
    },
    expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', minShare: 0.9 },
  }),

  defineScenario({
    name: 'field-calm-for-an-unprivileged-user',
    title: 'A user who may read neither the key nor the logs runs nginx -t in vain; the configuration is sound',
    kind: 'healthy',
    runAs: 'nobody',
    setUp: async host => {
      await certificate(host, { file: 'safe', names: ['safe.example'] });
      await calm(host, 'safe', 8170);
      await nginxSite(host, {
        name: 'safe',
        listen: ['80', '443 ssl'],
        server: 'ssl_certificate /etc/ssl/lab/safe.crt;\nssl_certificate_key /etc/ssl/lab/safe.key;\nlocation / { proxy_pass http://127.0.0.1:8170; }',
      });
      await host.run(['chmod', '600', '/etc/ssl/lab/safe.key']);
      await startNginx(host);
      await host.run(['chmod', '750', '/var/log/nginx']);
    },
    expect: {
      verdict: ['healthy', 'at-risk', 'inconclusive'],
      check: report =>
        report.findings
          .filter(each => ['nginx-config-invalid', 'nginx-down'].includes(each.fault))
          .map(each => `${each.fault} is found (${each.confidence} ${each.status}), and it is not so`),
    },
  }),

  defineScenario({
    name: 'field-calm-touched-files',
    title: 'A checkout touched every file of the configuration without a change after nginx had started',
    kind: 'healthy',
    setUp: async host => {
      await calm(host, 'garden', 8171);
      await startNginx(host);
      await new Promise(resolve => setTimeout(resolve, 1100));
      await host.shell('touch /etc/nginx/nginx.conf /etc/nginx/sites-enabled/*');
    },
    expect: { verdict: ['healthy', 'at-risk'], check: notConfirmed('nginx-config-not-reloaded') },
  }),

  defineScenario({
    name: 'field-calm-nginx-not-in-use',
    title: 'nginx is installed and switched off; Apache serves the host, as it is meant to',
    kind: 'healthy',
    setUp: async host => {
      await apacheBackend(host, { listen: '80', files: { 'index.html': 'apache serves\n' } });
    },
    expect: {
      check: report =>
        report.findings
          .filter(each => each.confidence === 'confirmed' && each.fault.startsWith('nginx-'))
          .map(each => `${each.fault} is called confirmed, and nobody wants nginx to run here`),
    },
  }),

  defineScenario({
    name: 'field-calm-old-bind-failure',
    title: 'Last week nginx could not bind, an hour ago a reload failed; both stand in the log of a host that is well',
    kind: 'healthy',
    setUp: async host => {
      const line = (hours: number, text: string): string => `${errorTime(new Date(Date.now() - hours * 3_600_000))} [emerg] 12#12: ${text}\n`;
      await host.write(
        '/var/log/nginx/error.log',
        line(170, 'bind() to 0.0.0.0:80 failed (98: Address already in use)') +
          line(170, 'still could not bind()') +
          line(1, 'unknown directive "proxy_pas" in /etc/nginx/conf.d/x.conf:3'),
        { owner: 'www-data:adm' },
      );
      await calm(host, 'quiet', 8172);
      await startNginx(host);
    },
    expect: {
      verdict: ['healthy', 'at-risk'],
      check: report =>
        report.findings
          .filter(each => each.fault.startsWith('nginx-'))
          .map(each => `${each.fault} is found (${each.confidence} ${each.status}), and it is long over`),
    },
  }),

  defineScenario({
    name: 'field-names-with-spaces',
    title: 'A site file, a socket folder and a log with blanks and quotes in their names; the unit is stopped',
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      await nodeApp(host, {
        name: 'cust-portal',
        unit: 'cust\\x20portal.service',
        code: nodeHttp(),
        listen: 'unix:/run/custportal/p.sock',
        service: { UMask: '0000' },
      });
      await host.run(['mkdir', '-p', '/var/log/nginx/customer portal']);
      await host.write(
        '/etc/nginx/sites-enabled/customer portal (new)',
        'upstream "customer portal" { server unix:/run/custportal/p.sock; }\nserver {\n  listen 80;\n  access_log "/var/log/nginx/customer portal/access.log";\n  error_log "/var/log/nginx/customer portal/error.log";\n  location / { proxy_pass "http://customer portal"; proxy_set_header Host $host; }\n}\n',
      );
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'cust\\x20portal.service'),
    expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', minShare: 0.9 },
  }),

  defineScenario({
    name: 'field-socket-in-private-tmp',
    title: 'gunicorn binds a socket in /tmp, and a hardening drop-in gave its unit a /tmp of its own',
    kind: 'twin',
    fault: 'socket-in-private-tmp',
    twinOf: 'backend-down',
    setUp: async host => {
      await gunicorn(host, { name: 'scanner', code: wsgiApp(), bind: 'unix:/tmp/scanner.sock' });
      await nginxSite(host, { name: 'scanner', server: 'location / { proxy_pass http://unix:/tmp/scanner.sock; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.write('/etc/systemd/system/scanner.service.d/hardening.conf', '[Service]\nPrivateTmp=yes\n');
      await host.systemctl('daemon-reload');
      await host.restart('scanner');
    },
    expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', minShare: 0.9 },
  }),
];
