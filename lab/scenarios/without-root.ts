import { defineScenario, type Expectation, type Scenario } from '../scenario.ts';
import crashLoop from './backend-crash-loop.ts';
import hung from './backend-hung.ts';
import oomKilled from './backend-oom-killed.ts';
import networkMismatch from './docker-network-mismatch.ts';
import firewallDrop from './firewall-drop.ts';
import permissionDenied from './socket-permission-denied.ts';
import stale from './socket-stale.ts';
import pool from './worker-pool-exhausted.ts';

interface Without {
  /** The logs of nginx are closed to this user, as Debian's package leaves them. */
  readonly closedLogs?: true;
  readonly expect: Expectation;
}

/** The same broken host as in the scenario of that name, asked about by a user without any rights. */
function withoutRoot(list: readonly Scenario[], name: string, { closedLogs, expect }: Without): Scenario {
  const found = list.find(one => one.name === name);
  if (found === undefined) throw new Error(`no scenario is called ${name}`);
  // What follows the diagnosis is that scenario's own.
  const left = Object.entries(found).filter(([key]) => !['repair', 'also', 'fix', 'expect'].includes(key));
  const rest = Object.fromEntries(left) as unknown as Omit<Scenario, 'repair' | 'also' | 'fix' | 'expect'>;
  return defineScenario({
    ...rest,
    name: `${name}-without-root`,
    title: `${found.title}; user nobody asks${closedLogs === true ? ', to whom the logs of nginx are closed' : ''}`,
    breakIt: async (host, stage) => {
      await rest.breakIt?.(host, stage);
      if (closedLogs === true) await host.run(['chmod', '-R', 'o-rwx', '/var/log/nginx']);
    },
    runAs: 'nobody',
    expect: {
      ...expect,
      notChecked: [/Kernel log.*run as root/, /owners of .* listening sockets.*run as root/i, ...(expect.notChecked ?? [])],
    },
  });
}

const logs = [/access\.log.*[Rr]un as root/, /error\.log.*[Rr]un as root/];

export default [
  withoutRoot(hung, 'backend-hung', {
    closedLogs: true,
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', notChecked: logs, notFindings: ['backend-down', 'firewall-drop'] },
  }),
  withoutRoot(pool, 'worker-pool-exhausted', {
    closedLogs: true,
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      notChecked: logs,
      notFindings: ['backend-hung', 'socket-permission-denied'],
    },
  }),
  withoutRoot(crashLoop, 'backend-crash-loop', {
    closedLogs: true,
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      notChecked: [...logs, /journal.*run as root/i],
      notFindings: ['backend-down'],
    },
  }),
  // That a request failed is not known without the logs: the rights alone are.
  withoutRoot(permissionDenied, 'socket-permission-denied', {
    closedLogs: true,
    expect: { verdict: ['inconclusive', 'failing'], firstConfidence: ['likely', 'confirmed'], notChecked: logs },
  }),
  withoutRoot(permissionDenied, 'socket-permission-denied-folder', {
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
  }),
  withoutRoot(stale, 'socket-stale', {
    expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', notFindings: ['backend-down', 'socket-missing'] },
  }),
  // Only the kernel's log tells why the workers end, and it is for root.
  withoutRoot(oomKilled, 'backend-oom-killed', {
    expect: {
      verdict: 'failing',
      orFirst: ['request-specific-crash'],
      firstConfidence: ['likely', 'possible'],
      status: 'active',
      notFindings: ['backend-crashing', 'worker-killed-by-timeout', 'backend-down'],
      check: ({ findings }) =>
        findings[0]?.explanation.includes('is for root') === true ? [] : ['it does not say that the log of the kernel could not be read'],
    },
  }),
  withoutRoot(oomKilled, 'backend-oom-killed-stays-down', {
    closedLogs: true,
    expect: {
      verdict: 'failing',
      orFirst: ['backend-down'],
      status: 'active',
      notChecked: logs,
      check: ({ findings }) => (findings[0]?.explanation.includes('SIGKILL') === true ? [] : ['it does not say that the kernel may have killed it']),
    },
  }),
  withoutRoot(firewallDrop, 'firewall-drop', {
    closedLogs: true,
    expect: {
      verdict: 'failing',
      firstConfidence: ['likely', 'possible'],
      status: 'active',
      notChecked: [...logs, /firewall.*root/i],
      notFindings: ['backend-hung', 'backend-down'],
    },
  }),
  withoutRoot(networkMismatch, 'docker-network-mismatch', {
    closedLogs: true,
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      notChecked: logs,
      notFindings: ['backend-down', 'address-mismatch'],
    },
  }),
];
