import { defineFault } from '../../model/fault.ts';
import { configLine } from '../../model/config-line.ts';
import { symptomEvidence } from '../../model/evidence.ts';

/** Every server of a group in use is written as `down`: nginx accepts that, and answers 502 from the first request on. */
export default defineFault({
  meta: {
    id: 'upstream-all-down',
    layer: 'nginx',
    title: 'The configuration leaves the upstream no usable server',
    explains: ['no-live-upstreams'],
    requires: ['nginx-layout', 'symptoms'],
    uses: ['nginx-config'],
    leadsTo: ['no-live-upstreams', 'app-returned-5xx', 'auth-backend-failed'],
    messages: {
      failing: 'All {servers} servers of {group} are written as `down`, so nginx turned away {count} requests without asking any.',
      latent: 'All {servers} servers of {group} are written as `down`: the first request that needs it is turned away.',
    },
  },
  *detect({ 'nginx-layout': layout, symptoms, ...facts }) {
    for (const group of layout.groups) {
      const isUsed = layout.routes.some(route => route.groupId === group.id);
      if (!isUsed || !group.explicit || group.members.length === 0 || !group.members.every(member => member.flags.down)) continue;
      const own = symptoms.filter(symptom => symptom.class === 'no-live-upstreams' && symptom.upstream === group.name);
      const [first, ...rest] = [
        ...group.members.slice(0, 4).map(member => configLine(facts['nginx-config'], member.origin, `server ${member.written} down;`)),
        ...own.flatMap(symptom => symptomEvidence(symptom, 2)),
      ];
      if (first === undefined) continue;
      const addresses = group.members.map(member => member.written);
      yield {
        // The file alone does not show that it was loaded; the lines of the log do.
        confidence: own.length > 0 ? 'confirmed' : 'likely',
        status: own.length === 0 ? 'latent' : own.some(symptom => symptom.ongoing) ? 'active' : 'past',
        subject: { kind: 'upstream', id: group.name, name: group.name, peers: [group.name, ...addresses] },
        messageId: own.length === 0 ? 'latent' : 'failing',
        data: { servers: group.members.length, group: group.name, count: own.reduce((sum, symptom) => sum + symptom.count, 0) },
        evidence: [first, ...rest],
        symptoms: own.map(symptom => symptom.id),
        fixData: { instance: group.instanceId, servers: group.members.map(({ origin, written }) => ({ ...origin, written })) },
      };
    }
  },
});
