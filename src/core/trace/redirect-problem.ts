import type { TraceObservation } from '../model/trace.ts';
import { lookNext, type Problem } from './problem.ts';

/** The redirects lead nowhere. */
export function redirectProblem({ hops, redirectsEnded }: TraceObservation): Problem | undefined {
  if (redirectsEnded === undefined) return undefined;
  const { why, location } = redirectsEnded;
  const evidence = hops.map(hop => {
    const response = hop.attempts.find(each => each.answer?.response !== undefined)?.answer?.response;
    const to = response?.headers.find(([name]) => name.toLowerCase() === 'location')?.[1] ?? '';
    return { source: `probe:${hop.url}`, text: `${response?.status ?? 'no answer'}${to === '' ? '' : `, Location: ${to}`}` };
  });
  const shared = { layer: 'app', symptomClass: 'probe-failed', confidence: 'confirmed', evidence } as const;
  const isSchemeLoop = hops.length > 0 && hops.every(hop => hop.url.replace(/^https?:/, '') === hops[0]?.url.replace(/^https?:/, ''));
  const behind: readonly [string, ...string[]] = [
    'Behind an edge that ends TLS, an application that does not see X-Forwarded-Proto: https redirects to https for ever. See what each hop sends:',
    `curl -sI ${hops.at(-1)?.url ?? ''}`,
  ];
  if (why === 'bad-location') {
    return {
      ...shared,
      fault: 'redirect-target-unusable',
      title: 'The redirect leads to something that is no address',
      explanation: `The answer redirects, and its Location (${JSON.stringify(location.slice(0, 200))}) is none that a client can go to.`,
      next: lookNext('mend-redirect', 'Mend the redirect where it is made', [
        ['It stands in the configuration of the server that answers (return, rewrite) or in the application.', 'nginx -T | grep -nE "return 30|rewrite"'],
      ]),
    };
  }
  return {
    ...shared,
    fault: why === 'loop' ? 'redirect-loop' : 'redirect-chain-too-long',
    title: why === 'loop' ? 'The redirects go round in a circle' : `The redirects do not end: ${hops.length} were followed`,
    explanation: `${hops
      .map(hop => hop.url)
      .slice(0, 6)
      .join(
        ' → ',
      )}${hops.length > 6 ? ' → …' : ''} → ${location}. Browsers give up with "too many redirects".${isSchemeLoop ? ' The URLs differ in nothing or in the scheme alone, which is what an application does that does not learn that the client came over TLS.' : ''}`,
    next: lookNext('mend-redirect', 'Find which hop sends the request back', [behind]),
  };
}
