import { defineFault, ruledOut } from '../../model/fault.ts';
import { probeEvidence, settingEvidence, symptomEvidence } from '../../model/evidence.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { Setting } from '../../model/facts/nginx.ts';
import type { Route } from '../../model/facts/topology.ts';
import type { ProbeResult } from '../../model/probe.ts';
import { protocolOf } from '../../model/spoken.ts';

/** A header that goes on beyond this is no header: the backend babbles, and no buffer would be enough. */
const endlessBytes = 60 * 1024;

/** nginx keeps the whole header of an answer in one buffer, and gives up when it is full before the header ends. */
export default defineFault({
  meta: {
    id: 'response-header-too-big',
    layer: 'protocol',
    title: 'The header of an answer does not fit into the buffer that nginx has for it',
    explains: ['header-too-big'],
    requires: ['hops'],
    leadsTo: ['no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures', 'restart-window'],
    messages: {
      measured: 'The header of {path} from {address} has {bytes} bytes; {directive} is {size} ({origin}).',
      logged:
        'nginx says that headers from {address} do not fit; {directive} is {size} ({origin}). The pages that badhop may ask for itself have smaller ones ({largest}).',
      endless: 'The header that {address} sends for {path} does not end within {bytes} bytes: no buffer is large enough for that.',
    },
  },
  *detect({ hops }) {
    for (const hop of hops) {
      const symptoms = hop.symptoms.filter(symptom => symptom.class === 'header-too-big');
      const [measured] = measurementsOf(hop);
      const route =
        measured?.route ??
        routeOf(
          hop,
          symptoms.flatMap(symptom => symptom.errorGroups.flatMap(group => group.scheme ?? [])),
        );
      const setting = route?.settings['buffer_size'];
      if (route === undefined || setting?.bytes === undefined) continue;
      const isOver = measured !== undefined && measured.bytes > setting.bytes;
      const isOngoing = symptoms.some(symptom => symptom.ongoing);
      if (symptoms.length === 0 && !isOver) continue;
      if (
        symptoms.length > 0 &&
        symptoms.every(symptom => symptom.errorGroups.every(group => group.samples.every(sample => sample.message.includes('too large http2'))))
      ) {
        yield ruledOut(`${hop.peer.id} was asked in HTTP/2 and did not answer in it`);
        continue;
      }
      const isEndless = isOver && measured.bytes >= endlessBytes;
      const logged = symptoms.flatMap(symptom => symptomEvidence(symptom, 2));
      const [first, ...rest] = [...(isOver ? [probeEvidence(measured.probe)] : []), ...logged, settingEvidence(setting)];
      yield {
        // nginx's own words leave no other reading; only the size is not known.
        confidence: isOver ? 'confirmed' : 'likely',
        status: isOver || isOngoing ? 'active' : 'past',
        subject: hop.subject,
        messageId: isEndless ? 'endless' : isOver ? 'measured' : 'logged',
        data: {
          address: hop.peer.id,
          path: measured === undefined ? '' : pathOf(measured.probe),
          bytes: measured?.bytes ?? 0,
          directive: setting.directive,
          size: setting.args[0] ?? '',
          origin: originOf(setting),
          largest: measured === undefined ? 'none was asked' : `${measured.bytes} bytes at most`,
        },
        evidence: [first, ...rest],
        symptoms: symptoms.map(symptom => symptom.id),
        ...(isEndless
          ? {}
          : {
              fixData: {
                measured: isOver ? measured.bytes : undefined,
                routes: hop.routes.filter(one => protocolOf(one) === protocolOf(route)).map(one => ({ path: one.origin.path, line: one.origin.line })),
              },
            }),
      };
    }
  },
});

interface Measurement {
  readonly probe: ProbeResult;
  readonly route: Route;
  readonly bytes: number;
}

/** Headers that probes have measured in the protocol of a route, the largest first. */
function measurementsOf(hop: Hop): Measurement[] {
  return hop.probes
    .flatMap(probe => {
      const { outcome, request } = probe;
      const route = hop.routes.find(one => protocolOf(one).toLowerCase() === request.kind);
      const bytes = outcome.state === 'answered' ? outcome.answer.headerBytes : undefined;
      return route === undefined || bytes === undefined || outcome.state !== 'answered' || outcome.answer.status === undefined ? [] : [{ probe, route, bytes }];
    })
    .toSorted((a, b) => b.bytes - a.bytes);
}

function routeOf(hop: Hop, schemes: readonly string[]): Route | undefined {
  return hop.routes.find(route => schemes.includes(route.pass === 'proxy' ? (route.tls ? 'https' : 'http') : route.pass)) ?? hop.routes[0];
}

function pathOf({ request }: ProbeResult): string {
  if (request.kind === 'http' || request.kind === 'tls') return request.path ?? '/';
  return request.kind === 'fastcgi' || request.kind === 'uwsgi' ? (request.params['REQUEST_URI'] ?? '/') : '/';
}

function originOf({ origin }: Setting): string {
  return origin.kind === 'file' ? `${origin.path}:${origin.line}` : `the default of nginx ${origin.version}`;
}
