/**
 * Ids of the catalogue that no fault stands behind yet. A fault may already lead to one of them; once it is written, it
 * leaves this list.
 */
export const plannedFaults: readonly string[] = [
  'app-dependency-down',
  'apparmor-denied',
  'conntrack-table-full',
  'cpu-saturated',
  'docker-network-mismatch',
  'fd-limit-backend',
  'memory-exhausted',
  'mtu-blackhole',
  'process-limit-reached',
  'request-specific-crash',
  'selinux-denied',
  'temp-path-permission',
  'timeout-chain-inverted',
  'upgrade-changed-defaults',
  'websocket-upgrade-missing',
  'worker-recycled',
];
