import { ask, defineCollector } from '../model/collector.ts';
import { known, valueOr } from '../model/fact.ts';
import { parseOsName } from '../parsers/os-release.ts';
import { parseIdNames } from '../parsers/passwd.ts';
import { parseFibTrie } from '../parsers/proc-fib-trie.ts';
import { parseIfInet6 } from '../parsers/proc-if-inet6.ts';
import { parseSystemStat } from '../parsers/proc-stat.ts';
import { parseProcStatus } from '../parsers/proc-status.ts';
import { textOf } from './shared/answers.ts';

export default defineCollector({
  id: 'host-identity',
  title: 'Who and what this host is',
  needs: [],
  *collect(_facts, context) {
    const [hostname, osRelease, kernel, self, passwd, init, systemdFolder, stat, ipv4, ipv6, clock] = yield* ask(
      { kind: 'read', path: '/proc/sys/kernel/hostname' },
      { kind: 'read', path: '/etc/os-release' },
      { kind: 'read', path: '/proc/sys/kernel/osrelease' },
      { kind: 'read', path: '/proc/self/status' },
      { kind: 'read', path: '/etc/passwd' },
      { kind: 'read', path: '/proc/1/comm' },
      { kind: 'stat', path: '/run/systemd/system' },
      { kind: 'read', path: '/proc/stat', options: { limit: 4_194_304 } },
      { kind: 'read', path: '/proc/net/fib_trie', options: { limit: 4_194_304 } },
      { kind: 'read', path: '/proc/net/if_inet6', options: { limit: 262_144 } },
      { kind: 'clock' },
    );
    const problems: string[] = [];
    const uid = parseProcStatus(textOf(self) ?? '').uid;
    if (uid === undefined) problems.push('The user that badhop runs as could not be read from /proc/self/status.');
    const system = parseSystemStat(textOf(stat) ?? '');
    if (system.bootMs === undefined) problems.push('The boot time could not be read from /proc/stat.');
    const own = textOf(ipv4);
    const name = uid === undefined ? undefined : parseIdNames(textOf(passwd) ?? '').get(uid);
    return known(
      {
        hostname: (textOf(hostname) ?? 'unknown').trim(),
        os: parseOsName(textOf(osRelease) ?? '') ?? 'unknown',
        kernel: (textOf(kernel) ?? 'unknown').trim(),
        // 65534 is nobody: a user that is not known is taken for one without rights.
        uid: uid ?? 65_534,
        user: name ?? String(uid ?? 'unknown'),
        clock: valueOr(clock, context.clock),
        // sd_booted(3): the folder is there only where systemd is the system's init.
        systemd: systemdFolder.state === 'known' && (textOf(init)?.trim() ?? 'systemd') === 'systemd',
        bootMs: system.bootMs ?? 0,
        // Without the one for IPv4 it is not known what is missing; the one for IPv6 is not there where that is switched off.
        ...(own === undefined ? {} : { addresses: [...parseFibTrie(own), ...parseIfInet6(textOf(ipv6) ?? '')] }),
        cpus: Math.max(1, system.cpus),
      },
      problems,
    );
  },
});
