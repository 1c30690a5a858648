import type { Known } from './fact.ts';
import type { BackendConfigs, BackendEvent, PhpFpmPools, Service, ServiceLoad } from './facts/backend.ts';
import type { Change, Circumstance } from './facts/changes.ts';
import type { ControlGroup } from './facts/control-group.ts';
import type { NginxAccessLog, NginxErrorLog } from './facts/logs.ts';
import type { NetworkNamespaces, NetworkPath, PathSizes } from './facts/network.ts';
import type { NginxConfig, NginxConfigTest, NginxInstance } from './facts/nginx.ts';
import type {
  Connections,
  Disk,
  FirewallRule,
  HostIdentity,
  KernelEvent,
  Listener,
  ListeningSockets,
  NameResolution,
  ProcessDetail,
  ProcessInfo,
  Resources,
  StoppedServer,
  SystemdUnit,
} from './facts/system.ts';
import type { Hop } from './facts/hop.ts';
import type { LostPeer } from './facts/lost-peer.ts';
import type { ManagedProgram } from './facts/managed-program.ts';
import type { NginxLayout, Symptom, Topology } from './facts/topology.ts';
import type { OtherProxy, RuntimeLimits, TimeoutChain } from './facts/timeouts.ts';
import type { UnitNames } from './facts/unit-names.ts';
import type { UpgradeAnswers } from './facts/upgrade.ts';
import type { ProbeResult } from './probe.ts';

/** Every fact by its id. A fault that names one in `requires` gets it in this type. */
export interface Facts {
  readonly 'host-identity': Known<HostIdentity>;
  readonly processes: Known<readonly ProcessInfo[]>;
  readonly 'process-details': Known<readonly ProcessDetail[]>;
  readonly listeners: Known<readonly Listener[]>;
  readonly connections: Known<Connections>;
  readonly 'unit-names': Known<UnitNames>;
  readonly 'listening-sockets': Known<ListeningSockets>;
  readonly 'systemd-units': Known<readonly SystemdUnit[]>;
  /** What pm2 and supervisord keep running, or should. */
  readonly 'managed-programs': Known<readonly ManagedProgram[]>;
  readonly 'kernel-log': Known<readonly KernelEvent[]>;
  readonly resources: Known<Resources>;
  /** Control groups with limits around the processes of backends. */
  readonly 'control-groups': Known<readonly ControlGroup[]>;
  /** File systems of the folders in which nginx could not write for want of space. Empty where it could. */
  readonly 'refused-disks': Known<readonly Disk[]>;
  readonly 'firewall-rules': Known<readonly FirewallRule[]>;
  readonly 'network-paths': Known<readonly NetworkPath[]>;
  readonly 'network-namespaces': Known<NetworkNamespaces>;
  /** Asked only of peers on other hosts that let requests time out. */
  readonly 'path-sizes': Known<readonly PathSizes[]>;
  readonly 'name-resolution': Known<readonly NameResolution[]>;
  /** Owner, group and mode of upstream sockets and each parent folder, and of every path a fault compares. */
  readonly 'socket-files': Known<readonly PathFile[]>;

  readonly 'nginx-instances': Known<readonly NginxInstance[]>;
  readonly 'nginx-config': Known<readonly NginxConfig[]>;
  /** The tree as `nginx -T` prints it. */
  readonly 'nginx-config-dump': Known<readonly NginxConfig[]>;
  readonly 'nginx-config-test': Known<readonly NginxConfigTest[]>;
  readonly 'nginx-error-log': Known<NginxErrorLog>;
  readonly 'nginx-access-log': Known<NginxAccessLog>;

  readonly 'php-fpm-pools': Known<PhpFpmPools>;
  /** Command lines of backends and the files named there: gunicorn.conf.py, uwsgi.ini, server.xml. */
  readonly 'backend-configs': Known<BackendConfigs>;
  readonly 'backend-events': Known<readonly BackendEvent[]>;
  readonly 'probe-results': Known<readonly ProbeResult[]>;
  /** HAProxy and Apache where they run: what they pass on, and how long they wait. */
  readonly 'other-proxies': Known<readonly OtherProxy[]>;
  /** Time limits of php and of databases. */
  readonly 'runtime-limits': Known<RuntimeLimits>;
  /** What backends answer to the opening of a WebSocket: asked only where requests that may have been one were refused. */
  readonly 'upgrade-answers': Known<readonly UpgradeAnswers[]>;
  /** How long backends leave an idle connection open: asked only of those that cut requests on connections that nginx keeps. */
  readonly 'idle-connections': Known<readonly ProbeResult[]>;
  /** Servers that answer nobody because a signal stopped them, and whose connections they hold. */
  readonly 'stopped-servers': Known<readonly StoppedServer[]>;
  /** Files, packages, units and deployments that changed in the window or in the ten minutes before it. */
  readonly changes: Known<readonly Change[]>;

  // derived
  readonly 'nginx-layout': Known<NginxLayout>;
  readonly services: Known<readonly Service[]>;
  readonly 'service-load': Known<readonly ServiceLoad[]>;
  readonly topology: Known<Topology>;
  readonly symptoms: Known<readonly Symptom[]>;
  /** One for each symptom of which there is something to say. */
  readonly circumstances: Known<readonly Circumstance[]>;
  readonly hops: Known<readonly Hop[]>;
  readonly 'lost-peers': Known<readonly LostPeer[]>;
  /** The time limits of each location's way, side by side. */
  readonly 'timeout-chains': Known<readonly TimeoutChain[]>;
}

export type FactId = keyof Facts;

/** A path with its parents from `/` down; `chain` ends at the first one that is missing. */
export interface PathFile {
  readonly path: string;
  readonly exists: boolean;
  readonly why?: string;
  readonly chain: readonly PathPart[];
}

export interface PathPart {
  readonly path: string;
  readonly kind: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly owner?: string;
  readonly group?: string;
}
