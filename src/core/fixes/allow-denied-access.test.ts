import { expect, it } from 'vitest';
import type { Facts } from '../model/facts.ts';
import type { Finding } from '../model/finding.ts';
import fix from './allow-denied-access.ts';

function stepsFor(fixData: object): string {
  const plan = fix.plan({ subject: { peers: ['127.0.0.1:8080'] }, fixData } as unknown as Finding, {} as Facts);
  expect(plan?.automatic).toBe(false);
  return JSON.stringify(plan?.steps);
}

it('opens a port to the web server in SELinux', () => {
  const steps = stepsFor({ by: 'selinux', domain: 'httpd_t', port: 8080 });
  expect(steps).toContain('setsebool -P httpd_can_network_connect on');
  expect(steps).toContain('semanage port -a -t http_port_t -p tcp 8080');
});

it('gives a socket its type', () => {
  expect(stepsFor({ by: 'selinux', domain: 'httpd_t', path: '/run/app/app.sock' })).toContain("restorecon -v '/run/app/app.sock'");
});

it('puts no text of a record into a command that could be more than a path', () => {
  expect(stepsFor({ by: 'selinux', domain: 'httpd_t', path: "/run/a'; reboot;'" })).not.toContain('reboot');
});

it('writes a rule into the profile of AppArmor', () => {
  const steps = stepsFor({ by: 'apparmor', domain: '/usr/sbin/nginx', path: '/run/app.sock' });
  expect(steps).toContain('/run/app.sock rw,');
  expect(steps).toContain('/usr/sbin/nginx');
});

it.each([{ by: 'selinux' }, { by: 'apparmor' }])('never switches it off: $by', data => {
  expect(stepsFor(data)).not.toMatch(/setenforce|aa-disable|aa-complain/);
});
