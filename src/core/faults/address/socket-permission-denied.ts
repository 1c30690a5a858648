import { defineFault, ruledOut } from '../../model/fault.ts';
import { symptomEvidence } from '../../model/evidence.ts';
import { symptomsOf } from '../../model/hop-symptoms.ts';
import { closedToUnit, describePart, refusalOf } from '../../model/socket-access.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { NginxInstance } from '../../model/facts/nginx.ts';
import type { Symptom, Topology } from '../../model/facts/topology.ts';
import { valueOr } from '../../model/fact.ts';

const explains: readonly Symptom['class'][] = ['connect-denied', 'no-live-upstreams'];

export default defineFault({
  meta: {
    id: 'socket-permission-denied',
    layer: 'address',
    title: "nginx's user may not connect to the unix socket",
    explains,
    requires: ['hops', 'socket-files', 'nginx-instances', 'topology'],
    uses: ['php-fpm-pools', 'systemd-units'],
    leadsTo: ['no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures'],
    messages: {
      socket: '{user} may not write to {path} ({rights}), and connecting to a socket needs the right to write.',
      folder:
        '{user} may not pass through the folder {folder} ({rights}), in which {path} lies. The rights of the socket itself do not count until it can be reached.',
      hidden: '{unit} runs with {setting}: for nginx the folder {folder} is closed, and {path} in it, although the modes of both would let {user} in.',
      was: 'Connections to {path} were denied to {user}, and its rights allow them now.',
    },
  },
  *detect({ hops, 'socket-files': files, 'nginx-instances': instances, topology, 'php-fpm-pools': pools, 'systemd-units': units }) {
    for (const hop of hops) {
      const { address } = hop.peer;
      if (address.kind !== 'unix' || hop.routes.length === 0 || hop.peer.flags.down) continue;
      const file = files.find(one => one.path === address.path);
      const instance = instanceOf(hop, topology, instances);
      if (file === undefined || instance?.workerUid === undefined) continue;
      const denied = symptomsOf(hop, explains);
      const isDenied = denied.some(symptom => symptom.class === 'connect-denied');
      const refusal = refusalOf(file, { uid: instance.workerUid, gids: instance.workerGids ?? [] });
      const user = `${instance.workerUser ?? 'the user'} (uid ${instance.workerUid}, groups ${(instance.workerGids ?? []).join(',') || 'unknown'}), as whom nginx's workers run,`;
      const lines = denied.filter(symptom => symptom.class === 'connect-denied').flatMap(symptom => symptomEvidence(symptom, 1));
      const [first, ...rest] = file.chain
        .filter(part => part === refusal?.part || part.kind === 'socket')
        .map(part => ({ source: `stat:${part.path}`, text: describePart(part) }));
      if (refusal === undefined || first === undefined) {
        const unit = valueOr(units, []).find(one => one.name === instance.unit);
        const closed = unit === undefined ? undefined : closedToUnit(file, unit);
        const ongoing = denied.filter(symptom => symptom.ongoing && symptom.class === 'connect-denied');
        if (unit !== undefined && closed !== undefined && ongoing.length > 0 && first !== undefined) {
          yield {
            // What the running nginx was started with may be older than what systemd would start it with now.
            confidence: unit.needsReload === true ? 'possible' : 'likely',
            status: 'active',
            subject: hop.subject,
            messageId: 'hidden',
            data: { unit: unit.name, setting: closed.setting, folder: closed.folder, path: address.path, user },
            evidence: [{ source: `exec:systemctl show ${unit.name}`, text: closed.setting }, ...lines.slice(0, 1), first],
            symptoms: denied.map(symptom => symptom.id),
          };
        } else if (isDenied && file.exists) {
          yield ruledOut(`the mode bits of ${address.path} and of its folders let ${instance.workerUser ?? 'the workers'} in`);
          const [line, ...more] = lines;
          // With the rights as they are now and no more errors, somebody has put them right.
          if (line !== undefined && denied.every(symptom => !symptom.ongoing) && first !== undefined) {
            yield {
              confidence: 'likely',
              status: 'past',
              subject: hop.subject,
              messageId: 'was',
              data: { path: address.path, user },
              evidence: [line, ...more, first],
              symptoms: denied.map(symptom => symptom.id),
            };
          }
        }
        continue;
      }
      const pool = valueOr(pools, undefined)?.pools.find(one => one.listen?.value.kind === 'unix' && hop.service?.id === `php-fpm:${one.name}`);
      yield {
        confidence: isDenied && instance.running ? 'confirmed' : 'likely',
        // Where nothing asked for it yet, the first request will fail.
        status: isDenied ? 'active' : 'latent',
        subject: hop.subject,
        messageId: refusal.right === 'write' ? 'socket' : 'folder',
        data: { user, path: address.path, folder: refusal.part.path, rights: describePart(refusal.part) },
        evidence: [first, ...rest, ...lines.slice(0, 1)],
        symptoms: denied.map(symptom => symptom.id),
        fixData: {
          path: address.path,
          part: refusal.part,
          right: refusal.right,
          workerGid: instance.workerGids?.[0],
          workerUser: instance.workerUser,
          ...(pool === undefined ? {} : { pool: pool.name, poolPath: pool.path }),
          ...(hop.service?.unit === undefined ? {} : { unit: hop.service.unit }),
        },
      };
    }
  },
});

/** The nginx whose server blocks pass requests to the peer. */
function instanceOf(hop: Hop, topology: Topology, instances: readonly NginxInstance[]): NginxInstance | undefined {
  const server = topology.servers.find(one => hop.routes.some(route => route.serverId === one.id));
  return instances.find(one => one.id === server?.instanceId) ?? instances.find(one => one.running);
}
