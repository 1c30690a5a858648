import { describe, expect, it } from 'vitest';
import { denied, known } from '../model/fact.ts';
import type { ProcessInfo, SystemdUnit } from '../model/facts/system.ts';
import { formatAddress } from '../model/host.ts';
import backendConfigs from './backend-configs.ts';
import { runCollector } from './testing.ts';
import type { FakeHost } from './testing.ts';

const process = (line: string): ProcessInfo => ({
  pid: 5,
  ppid: 1,
  state: 'S',
  comm: 'apache2',
  argv: line.split(' '),
  cwd: '/',
  uid: 0,
  startMs: 0,
  rssBytes: 0,
  threads: 1,
  cpuMs: 0,
});

function run(line: string, host: FakeHost, units: readonly SystemdUnit[] = []) {
  const { fact } = runCollector(backendConfigs, { processes: known(line === '' ? [] : [process(line)]), 'systemd-units': known(units) }, host);
  if (fact.state !== 'known') throw new Error(fact.why);
  const [command] = fact.value.commands;
  return {
    problems: fact.problems ?? [],
    values: Object.fromEntries(Object.entries(command?.values ?? {}).map(([key, { value }]) => [key, value])),
    sources: Object.fromEntries(Object.entries(command?.values ?? {}).map(([key, { source }]) => [key, source])),
    listen: command?.listen.map(item => formatAddress(item.address.value)),
    files: command?.configFiles,
  };
}

const debian: FakeHost = {
  files: {
    '/etc/apache2/apache2.conf':
      'Timeout 300\nErrorLog ${APACHE_LOG_DIR}/error.log\nIncludeOptional mods-enabled/*.load\nIncludeOptional mods-enabled/*.conf\nInclude ports.conf\nIncludeOptional sites-enabled/*.conf\n',
    '/etc/apache2/envvars': 'export APACHE_LOG_DIR=/var/log/apache2$SUFFIX\n',
    '/etc/apache2/mods-enabled/mpm_prefork.load': 'LoadModule mpm_prefork_module /usr/lib/apache2/modules/mod_mpm_prefork.so\n',
    '/etc/apache2/mods-enabled/mpm_prefork.conf':
      '<IfModule mpm_prefork_module>\n  MaxRequestWorkers 40\n</IfModule>\n<IfModule mpm_event_module>\nMaxRequestWorkers 150\n</IfModule>\n',
    '/etc/apache2/ports.conf': 'Listen 127.0.0.1:8080\n<IfModule ssl_module>\n\tListen 443\n</IfModule>\n# Listen 81\nListen [::1]:8082\n',
    '/etc/apache2/sites-enabled/shop.conf': '<VirtualHost *:8080>\n  Timeout 3\n  ErrorLog logs/shop.log\n  Include vhost.inc\n</VirtualHost>\n',
    '/etc/apache2/vhost.inc': 'Listen 9999\n',
  },
  folders: { '/etc/apache2/mods-enabled': ['mpm_prefork.conf', 'mpm_prefork.load'], '/etc/apache2/sites-enabled': ['shop.conf'] },
};

describe('Apache files', () => {
  it("reads Debian's layout with its variables and conditions", () => {
    const { values, sources, listen, files } = run('/usr/sbin/apache2 -k start', debian);
    expect(listen).toEqual(['127.0.0.1:8080', '[::1]:8082']);
    expect(values).toMatchObject({
      mpm: 'prefork',
      maxrequestworkers: '40',
      timeout: '300',
      'error-logfile': '/var/log/apache2/error.log',
      'error-logfile[1]': '/etc/apache2/logs/shop.log',
    });
    expect(sources).toMatchObject({ listen: 'file:/etc/apache2/ports.conf:1', maxrequestworkers: 'file:/etc/apache2/mods-enabled/mpm_prefork.conf:2' });
    expect(files).toHaveLength(6);
  });

  it("reads Red Hat's layout and what the command line adds", () => {
    const host: FakeHost = {
      files: {
        '/etc/httpd/conf/httpd.conf':
          'ServerRoot "/etc/httpd"\nInclude conf.modules.d/*.conf\n<IfDefine BLUE>\nListen 8001\n</IfDefine>\nDefine port 8002\nListen ${port}\nListen ${unset}\n',
        '/etc/httpd/conf.modules.d/00-mpm.conf': 'LoadModule mpm_event_module modules/mod_mpm_event.so\n',
      },
      folders: { '/etc/httpd/conf.modules.d': ['00-mpm.conf'] },
    };
    const { values, listen } = run('/usr/sbin/httpd -DBLUE -DFOREGROUND', host);
    expect(listen).toEqual(['*:8001', '*:8002']);
    expect(values['mpm']).toBe('event');
  });

  it('knows where a stopped unit would listen', () => {
    const unit = {
      name: 'apache2.service',
      execStart: '{ path=/usr/sbin/apachectl ; argv[]=/usr/sbin/apachectl start ; }',
      journal: [],
    } as unknown as SystemdUnit;
    expect(run('', debian, [unit]).listen).toEqual(['127.0.0.1:8080', '[::1]:8082']);
  });

  it('ends soon where sections stand in each other without an end', () => {
    const before = performance.now();
    run('/usr/sbin/apache2 -k start', { files: { '/etc/apache2/apache2.conf': '<Location />\n'.repeat(60_000) } });
    expect(performance.now() - before).toBeLessThan(3000);
  });

  it('says what it may not read, and ends where files include each other', () => {
    const host: FakeHost = {
      files: {
        '/etc/apache2/apache2.conf': 'Listen 80\nInclude a.conf\nInclude secret.conf\nInclude ${NOBODY}/x\n<IfFile /x>\nListen 81\n</IfFile>\n',
        '/etc/apache2/a.conf': 'Include a.conf\nInclude apache2.conf\n',
        '/etc/apache2/secret.conf': denied('permission denied'),
      },
    };
    const { problems, listen } = run('/usr/sbin/apache2 -k start', host);
    expect(listen?.[0]).toBe('*:80');
    expect(listen).not.toContain('*:81');
    expect(problems.join('\n')).toMatch(/secret\.conf: permission denied/);
    expect(problems.join('\n')).toMatch(/Include \$\{NOBODY\}\/x/);
    expect(problems.join('\n')).toMatch(/apache2\.conf includes itself/);
    expect(listen).toHaveLength(1);
  });
});
