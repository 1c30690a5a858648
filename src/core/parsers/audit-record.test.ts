import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { auditEvents, readDenial } from './audit-record.ts';
import { kernelEvents } from './kernel-log.ts';

const fixture = (name: string): string => readFileSync(new URL(`audit-record.fixtures/${name}`, import.meta.url), 'utf8');

describe('audit records', () => {
  it('reads the denials of SELinux in the file of auditd', () => {
    expect(auditEvents(fixture('selinux-auditd-published.txt'), 'file:audit.log')).toMatchObject([
      { kind: 'access-denied', timeMs: 1_352_299_235_662, comm: 'httpd', denial: { action: 'write', path: 'shibd.sock', objectClass: 'sock_file' } },
      { pid: 15178, denial: { by: 'selinux', action: 'connectto', path: '/var/run/shibboleth/shibd.sock', targetType: 'initrc_t' } },
      { pid: 2841, comm: 'nginx', denial: { action: 'name_connect', port: 9000, domain: 'httpd_t', targetType: 'hi_reserved_port_t' } },
    ]);
  });

  it('reads the denials of AppArmor in the kernel log, with their own time', () => {
    const lines = fixture('apparmor-kernel-published.txt').trimEnd().split('\n');
    expect(
      kernelEvents(
        lines.map(text => ({ timeMs: 5, text })),
        'dmesg',
      ),
    ).toMatchObject([
      { timeMs: 1_526_317_844_763, pid: 2129, denial: { by: 'apparmor', action: 'connect', path: '/run/dbus/system_bus_socket', domain: 'snap.bluez.bluez' } },
      { comm: 'snapd-desktop-i', denial: { path: '/run/user/1000/wayland-0', objectClass: 'file' } },
      { comm: 'nginx', denial: { action: 'open', domain: '/usr/bin/nginx' } },
    ]);
  });

  it.each([
    ['was only reported by SELinux', 'avc:  denied  { name_connect } for  pid=1 comm="nginx" dest=80 scontext=u:r:httpd_t:s0 tclass=tcp_socket permissive=1'],
    ['was only reported by AppArmor', 'audit: type=1400 audit(1526317844.763:76): apparmor="ALLOWED" operation="connect" profile="nginx" comm="nginx"'],
    ['has no braces', 'avc:  denied  {'],
    ['is another record', 'type=SYSCALL msg=audit(1352299235.662:570): arch=c000003e syscall=42 success=no exit=-13 comm="nginx"'],
  ])('reads nothing that %s', (_name, text) => {
    expect(readDenial(text)).toBeUndefined();
  });

  it('reads a name in hex', () => {
    expect(readDenial('avc:  denied  { connectto } for  pid=1 comm=6E67696E78 path=2F72756E2F61 scontext=u:r:httpd_t:s0')).toMatchObject({
      comm: 'nginx',
      denial: { path: '/run/a' },
    });
  });

  it('never throws', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom('avc:  denied  {', '}', ' pid=', 'scontext=', ':', '"', 'apparmor="DENIED"', ' operation=', ' profile='),
    );
    fc.assert(fc.property(fc.array(piece), pieces => void [readDenial(pieces.join('')), auditEvents(pieces.join(''), 'x')]));
  });

  it('takes linear time', () => {
    const started = performance.now();
    auditEvents(`type=AVC ${'avc:  denied  { '.repeat(200_000)}\n${'type=AVC avc: denied { " \n'.repeat(50_000)}`, 'x');
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
