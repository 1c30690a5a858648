import type { Report } from '../../src/core/model/report.ts';
import { defineScenario } from '../scenario.ts';
import type { Scenario } from '../scenario.ts';
import { waitForListener } from '../servers/listening.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

/** Where an honest observer can only guess, any guess may stand first. */
function withoutFirst(scenario: Scenario): Scenario {
  const { first: _first, ...expect } = scenario.expect;
  return { ...scenario, expect };
}

/** No finding of these faults may claim to be proven, and none may offer to change nginx by itself. */
function onlyGuessed(...faults: readonly string[]): (report: Report) => string[] {
  return report =>
    report.findings
      .filter(each => faults.includes(each.fault) && (each.confidence === 'confirmed' || each.fixes.some(fix => fix.automatic)))
      .map(
        each =>
          `${each.fault} is called ${each.confidence}${each.fixes.some(fix => fix.automatic) ? ' with a fix to be applied by itself' : ''}, and it is not so`,
      );
}

export default [
  withoutFirst(
    defineScenario({
      name: 'field-exporter-of-the-same-name',
      title: 'The shop was started by hand and has ended; its exporter, a unit of nearly the same name, answers on the next port and must never be served',
      kind: 'fault',
      fault: 'backend-down',
      setUp: async host => {
        await host.write('/srv/shop/app.py', wsgiApp('shop'));
        await host.runService('run-r77', ['/usr/bin/gunicorn', '--bind', '127.0.0.1:8000', '--chdir', '/srv/shop', 'app:app'], { user: 'www-data' });
        await waitForListener(host, '127.0.0.1:8000');
        await nodeApp(host, {
          name: 'shop-exporter',
          code: nodeHttp("response.end('# HELP shop_orders_total\\nshop_orders_total 7\\n');"),
          listen: '127.0.0.1:8001',
        });
        await nginxSite(host, { name: 'shop', server: 'location / { proxy_pass http://127.0.0.1:8000; }' });
        await startNginx(host);
      },
      // A transient unit leaves nothing behind.
      breakIt: host => host.systemctl('stop', 'run-r77'),
      expect: { verdict: 'failing', status: 'active', check: onlyGuessed('address-mismatch') },
    }),
  ),

  withoutFirst(
    defineScenario({
      name: 'field-helper-with-a-like-port',
      title: 'The wiki was removed from the host; its search helper listens on a port of the same digits and is asked by no route',
      kind: 'fault',
      fault: 'backend-down',
      setUp: async host => {
        await nodeApp(host, { name: 'wiki', code: nodeHttp("response.end('wiki');"), listen: '127.0.0.1:8090' });
        await nodeApp(host, { name: 'wiki-indexer', code: nodeHttp("response.end('index');"), listen: '127.0.0.1:8009' });
        await nginxSite(host, {
          name: 'wiki',
          log: 'timed',
          http: 'upstream wiki { server 127.0.0.1:8090; }',
          server: 'location / { proxy_pass http://wiki; }',
        });
        await startNginx(host);
      },
      breakIt: async host => {
        await host.systemctl('disable', '--now', 'wiki');
        await host.run(['rm', '-rf', '/srv/wiki', '/etc/systemd/system/wiki.service']);
        await host.systemctl('daemon-reload');
      },
      expect: { verdict: 'failing', status: 'active', check: onlyGuessed('address-mismatch') },
    }),
  ),

  withoutFirst(
    defineScenario({
      name: 'field-helper-and-a-log-that-begins-later',
      title:
        'The wiki was started by hand and ended before the logs that are left begin; a helper with a port of the same digits answers, and another site is fine',
      kind: 'fault',
      fault: 'backend-down',
      traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1:8080/'] },
      setUp: async host => {
        await host.write('/srv/wiki/app.py', wsgiApp('wiki'));
        await host.runService('run-r31', ['/usr/bin/gunicorn', '--bind', '127.0.0.1:8090', '--chdir', '/srv/wiki', 'app:app'], { user: 'www-data' });
        await waitForListener(host, '127.0.0.1:8090');
        await nodeApp(host, { name: 'wiki-indexer', code: nodeHttp("response.end('index');"), listen: '127.0.0.1:8009' });
        await nodeApp(host, { name: 'blog', code: nodeHttp("response.end('blog');"), listen: '127.0.0.1:7000' });
        await nginxSite(host, { name: 'wiki', log: 'timed', server: 'location / { proxy_pass http://127.0.0.1:8090; }' });
        await nginxSite(host, { name: 'blog', log: 'timed', listen: '8080', server: 'location / { proxy_pass http://127.0.0.1:7000; }' });
        await startNginx(host);
      },
      breakIt: async host => {
        await host.systemctl('stop', 'run-r31');
        // As logrotate does once a day, and the days before are kept elsewhere.
        await host.shell('rm -f /var/log/nginx/*.log; nginx -s reopen; sleep 0.3');
      },
      expect: { verdict: 'failing', status: 'active', check: onlyGuessed('address-mismatch') },
    }),
  ),

  defineScenario({
    name: 'field-exporter-on-the-same-port',
    title: 'An exporter uses the same port on the internal address; the program behind nginx is stopped',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'address-mismatch',
    setUp: async host => {
      await host.run(['ip', 'addr', 'add', '203.0.113.9/24', 'dev', 'lo']);
      await gunicorn(host, { name: 'dash', code: wsgiApp(), bind: '127.0.0.1:9100' });
      await nodeApp(host, { name: 'node-exporter', code: nodeHttp("response.end('# HELP up\\n');"), listen: '203.0.113.9:9100' });
      await nginxSite(host, { name: 'dash', server: 'location / { proxy_pass http://127.0.0.1:9100; }' });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'dash'),
    expect: { verdict: 'failing', status: 'active', firstConfidence: ['confirmed', 'likely'], minShare: 0.9 },
    repair: host => host.start('dash'),
  }),

  withoutFirst(
    defineScenario({
      name: 'field-stopped-stranger-of-like-name',
      title: 'The program behind nginx ran in a shell and has ended; a mailer unit of a like name was stopped on purpose long ago',
      kind: 'fault',
      fault: 'backend-down',
      setUp: async host => {
        await host.unitFile('forum-mailer.service', '[Unit]\nDescription=forum digest mails\n\n[Service]\nExecStart=/bin/sleep 1000\n');
        await host.start('forum-mailer');
        await host.systemctl('stop', 'forum-mailer');
        await host.write('/srv/forum/app.py', wsgiApp('forum'));
        await host.runService('run-r12', ['/usr/bin/gunicorn', '--bind', '127.0.0.1:8444', '--chdir', '/srv/forum', 'app:app'], { user: 'www-data' });
        await waitForListener(host, '127.0.0.1:8444');
        await nginxSite(host, { name: 'forum', server: 'location / { proxy_pass http://127.0.0.1:8444; }' });
        await startNginx(host);
      },
      breakIt: host => host.systemctl('stop', 'run-r12'),
      expect: {
        verdict: 'failing',
        status: 'active',
        check: report =>
          report.findings
            .filter(each => /forum-mailer/.test(each.subject.id) && each.confidence === 'confirmed')
            .map(each => `${each.fault} is called confirmed for forum-mailer, which never served the forum`),
      },
    }),
  ),
];
