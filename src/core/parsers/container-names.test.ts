import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { containerOfCgroup, parseContainerList } from './container-names.ts';

const id = '9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d';
const list = readFileSync(new URL('container-names.fixtures/docker-20.10.txt', import.meta.url), 'utf8');

describe('containerOfCgroup', () => {
  it.each([
    [`/docker/${id}`, 'docker'],
    [`/system.slice/docker-${id}.scope`, 'docker'],
    [`/machine.slice/libpod-${id}.scope/container`, 'podman'],
    [`/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${id}.scope`, 'podman'],
    [`/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1.slice/cri-containerd-${id}.scope`, 'containerd'],
    [`/kubepods/besteffort/pod7e44ee88-1e65-4a16-8cdf-9a90c819180e/${id}`, 'kubernetes'],
  ])('%s', (path, engine) => {
    expect(containerOfCgroup(path)).toEqual({ engine, id });
  });

  it.each(['/system.slice/nginx.service', '/', '', '/system.slice/docker.service', '/docker/short'])('%s is none', path => {
    expect(containerOfCgroup(path)).toBeUndefined();
  });
});

describe('parseContainerList', () => {
  it('reads the lines of docker ps', () => {
    expect(parseContainerList(list)).toMatchObject([
      { name: 'boring_keldysh', networks: ['bridge'], published: '80/tcp' },
      { id, name: 'shop-api-1', networks: ['shop_back', 'shop_front'], published: '127.0.0.1:8000->8000/tcp' },
    ]);
  });

  it('reads the list of podman ps', () => {
    const ports = [{ host_ip: '', container_port: 80, host_port: 8080, range: 1, protocol: 'tcp' }];
    expect(parseContainerList(JSON.stringify([{ Id: id, Names: ['web'], Networks: ['podman'], Ports: ports }]))).toEqual([
      { id, name: 'web', networks: ['podman'], published: '0.0.0.0:8080->80/tcp' },
    ]);
  });
});

it('takes any text', () => {
  fc.assert(fc.property(fc.string(), text => Array.isArray(parseContainerList(text))));
  fc.assert(fc.property(fc.json(), text => Array.isArray(parseContainerList(text))));
  fc.assert(fc.property(fc.string(), text => containerOfCgroup(text) === undefined || text.length > 60));
});
