import type { Inversion, TimeoutChain, TimeoutLink } from './facts/timeouts.ts';
import type { Evidence } from './finding.ts';

const mostLinks = 14;

/** Where a limit stands, for a sentence: `/etc/nginx/nginx.conf:12`, `command line of process 812`, `default of nginx 1.22.1`. */
export function placeOf({ source }: Pick<TimeoutLink, 'source'>): string {
  const place = /^(?:config|file):(.+)$/.exec(source)?.[1];
  const pid = /^argv of (\d+)$/.exec(source)?.[1];
  return place ?? (pid === undefined ? source : `command line of process ${pid}`);
}

/** The two links that are the wrong way round, and then every other link of the way with its place. */
export function inversionEvidence({ outer, inner }: Inversion, chain: TimeoutChain): [Evidence, ...Evidence[]] {
  const others = chain.links.filter(link => link !== outer && link !== inner).slice(0, mostLinks);
  return [linkEvidence(outer), linkEvidence(inner), ...others.map(linkEvidence)];
}

function linkEvidence({ source, text }: TimeoutLink): Evidence {
  return { source, text };
}
