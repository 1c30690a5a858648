import type { ContainerName } from '../model/facts/network.ts';
import { linesOf } from './text.ts';

const engines: readonly (readonly [prefix: string, engine: string])[] = [
  ['docker-', 'docker'],
  ['libpod-', 'podman'],
  ['cri-containerd-', 'containerd'],
  ['crio-', 'cri-o'],
];

/**
 * The container that a control group's path names. Samples, of Docker with cgroupfs and with systemd, Podman and Kubernetes
 * (`/proc/PID/cgroup`; the forms are those of neuvector/neuvector, share/system/cgroup_test.go):
 * ```
 * /docker/4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970
 * /system.slice/docker-9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d.scope
 * /machine.slice/libpod-3f4c….scope/container
 * /kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod….slice/cri-containerd-5a1b….scope
 * ```
 */
export function containerOfCgroup(path: string): { readonly engine: string; readonly id: string } | undefined {
  const parts = path.slice(0, 4096).split('/');
  for (let at = parts.length - 1; at >= 0; at -= 1) {
    const part = parts[at] ?? '';
    const name = part.endsWith('.scope') ? part.slice(0, -'.scope'.length) : part;
    const known = engines.find(([prefix]) => name.startsWith(prefix));
    const id = known === undefined ? name : name.slice(known[0].length);
    if (!/^[0-9a-f]{64}$/.test(id)) continue;
    const parent = parts[at - 1] ?? '';
    const engine =
      known?.[1] ?? (parent === 'docker' ? 'docker' : parent.startsWith('libpod') ? 'podman' : parent.startsWith('pod') ? 'kubernetes' : 'a container engine');
    return { engine, id };
  }
  return undefined;
}

/**
 * Reads `docker ps --no-trunc --format {{json .}}`, one object a line, and `podman ps --no-trunc --format json`, one list. Sample
 * (docs.docker.com, `docker container ls`, with the fields that are read here):
 * `{"ID":"a762a2b37a1d…","Image":"nginx","Names":"boring_keldysh","Networks":"bridge","Ports":"80/tcp","State":"running"}`
 */
export function parseContainerList(text: string): readonly ContainerName[] {
  const trimmed = text.trim();
  const items = trimmed.startsWith('[') ? asList(parsed(trimmed)) : [...linesOf(trimmed, 2000)].map(line => parsed(line));
  return items.flatMap(item => nameOf(item) ?? []);
}

function nameOf(item: unknown): ContainerName | undefined {
  if (typeof item !== 'object' || item === null) return undefined;
  const fields = new Map<string, unknown>(Object.entries(item));
  const id = fields.get('ID') ?? fields.get('Id');
  const name = words(fields.get('Names')).join(', ');
  if (typeof id !== 'string' || id === '' || name === '') return undefined;
  const ports = fields.get('Ports');
  const published = Array.isArray(ports) ? ports.flatMap(port => podmanPort(port) ?? []).join(', ') : typeof ports === 'string' ? ports : '';
  return { id, name, networks: words(fields.get('Networks')), published };
}

/** `{"host_ip":"","container_port":80,"host_port":8080,"range":1,"protocol":"tcp"}` as Docker would write it. */
function podmanPort(port: unknown): string | undefined {
  if (typeof port !== 'object' || port === null) return undefined;
  const fields = new Map<string, unknown>(Object.entries(port));
  const [host, outer, inner, protocol] = ['host_ip', 'host_port', 'container_port', 'protocol'].map(name => fields.get(name));
  if (typeof outer !== 'number' || typeof inner !== 'number') return undefined;
  return `${typeof host === 'string' && host !== '' ? host : '0.0.0.0'}:${outer}->${inner}/${typeof protocol === 'string' ? protocol : 'tcp'}`;
}

function words(value: unknown): readonly string[] {
  if (typeof value === 'string')
    return value
      .split(',')
      .filter(one => one !== '')
      .slice(0, 20);
  return asList(value)
    .flatMap(one => (typeof one === 'string' ? [one] : []))
    .slice(0, 20);
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value.slice(0, 2000) : [];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
