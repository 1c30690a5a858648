import { defineFault } from '../../model/fault.ts';
import { deniedDetection, deniedHops } from '../../model/access-denials.ts';

/** Mandatory access control forbids the connection, whatever the modes of the socket say. */
export default defineFault({
  meta: {
    id: 'apparmor-denied',
    layer: 'network',
    title: 'AppArmor forbids nginx to connect to the backend',
    explains: ['connect-denied'],
    requires: ['hops', 'kernel-log'],
    uses: ['nginx-instances'],
    leadsTo: ['socket-permission-denied', 'firewall-reject', 'no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures'],
    messages: {
      denied: 'The AppArmor profile {domain} denied {process} to {action} {object} on the way to {address}, and connections to it fail with errno 13.',
    },
  },
  *detect({ hops, 'kernel-log': records, 'nginx-instances': instances }, window) {
    for (const denied of deniedHops('apparmor', { hops, records, instances }, window.sinceMs)) yield deniedDetection(denied);
  },
});
