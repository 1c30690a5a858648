import { defineFault } from '../../model/fault.ts';
import { eventEvidence, symptomEvidence } from '../../model/evidence.ts';
import type { BackendEvent } from '../../model/facts/backend.ts';
import type { Evidence } from '../../model/finding.ts';
import { protocolOf } from '../../model/spoken.ts';

const defaultBytes = 4096;
/** The classes that a skipped request ends in. */
const classes: ReadonlySet<string> = new Set(['reset', 'premature-close']);

/** uWSGI reads all variables of a request into one buffer, and skips a request that is larger. */
export default defineFault({
  meta: {
    id: 'request-header-too-big-for-backend',
    layer: 'protocol',
    title: 'Requests have larger headers than the backend takes',
    explains: ['reset', 'premature-close'],
    requires: ['hops'],
    uses: ['backend-configs'],
    leadsTo: ['no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures', 'restart-window'],
    messages: {
      skipped:
        '{service} skipped {count} requests whose headers and variables were too large, the largest of {bytes} bytes; its buffer-size is {limit} ({origin}).',
    },
  },
  *detect({ hops, 'backend-configs': configs }, { sinceMs }) {
    for (const hop of hops) {
      const { service } = hop;
      if (service?.kind !== 'uwsgi' || !hop.routes.some(route => protocolOf(route) === 'uwsgi')) continue;
      const skipped = hop.events.filter(event => event.kind === 'request-too-big' && event.timeMs >= sinceMs).map(event => ({ event, ...sizesOf(event) }));
      const real = skipped.filter(({ bytes }) => bytes !== undefined && !isText(bytes));
      const last = real.at(-1);
      const symptoms = hop.symptoms.filter(symptom => classes.has(symptom.class));
      const failing = symptoms.flatMap(symptom => symptomEvidence(symptom, 1));
      if (last === undefined || symptoms.length === 0) continue;
      const file = configs.state === 'known' ? configs.value.files.find(one => service.configFiles.includes(one.path)) : undefined;
      const setting = file?.values['buffer-size'];
      const limit = last.limit ?? defaultBytes;
      const largest = Math.max(...real.map(({ bytes }) => bytes ?? 0));
      const config: Evidence[] = setting === undefined ? [] : [{ source: setting.source, text: setting.text ?? `buffer-size = ${setting.value}` }];
      // The server's own record of what it did with the requests that failed: no guess is in it.
      yield {
        confidence: real.length * 2 >= symptoms.reduce((sum, symptom) => sum + symptom.count, 0) ? 'confirmed' : 'likely',
        status: symptoms.some(symptom => symptom.ongoing) ? 'active' : 'past',
        subject: hop.serviceSubject,
        messageId: 'skipped',
        data: { service: service.name, count: real.length, bytes: largest, limit, origin: setting?.source ?? 'the default of uWSGI' },
        evidence: [eventEvidence(last.event), ...failing, ...config],
        symptoms: symptoms.map(symptom => symptom.id),
        fixData: {
          bytes: largest,
          ...(service.unit === undefined ? {} : { unit: service.unit }),
          ...(file === undefined ? {} : { path: file.path }),
          ...lineOf(setting, Object.values(file?.values ?? {})),
        },
      };
    }
  },
});

/** `invalid request block size: 5370 (max 4096)...skip`. */
function sizesOf({ text }: BackendEvent): { readonly bytes?: number; readonly limit?: number } {
  const [, bytes, limit] = /invalid request block size: (\d{1,9}) \(max (\d{1,9})\)/.exec(text) ?? [];
  return { ...(bytes === undefined ? {} : { bytes: Number(bytes) }), ...(limit === undefined ? {} : { limit: Number(limit) }) };
}

/** Two letters of a method where the size should be: plain HTTP on a uwsgi socket, which is another fault. */
function isText(bytes: number): boolean {
  const low = bytes & 255;
  const high = bytes >> 8;
  return [low, high].every(code => code >= 0x41 && code <= 0x5a);
}

/** The line of the setting; without it any other line of its file, as the place for a new one. */
function lineOf(
  setting: { readonly source: string; readonly text?: string } | undefined,
  others: readonly { readonly source: string; readonly text?: string }[],
): { readonly source?: string; readonly text?: string; readonly isThere?: boolean } {
  const found = setting ?? others.find(one => one.text !== undefined && one.source.startsWith('file:'));
  return found?.text === undefined ? {} : { source: found.source, text: found.text, isThere: setting !== undefined };
}
