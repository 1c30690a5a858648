import type { ProbeResult } from './probe.ts';

const tokenName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Fields of which nginx refuses a second one (since 1.23.0). Of others it leaves the second one out. */
const single: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding']);

/** What is wrong with the header of an answer, as far as it was kept: `garbage` where it is no HTTP at all. */
export function wrongHeaderIn({ request, outcome }: ProbeResult): string | undefined {
  if (outcome.state !== 'answered' || request.kind === 'connect' || request.kind === 'dns' || request.kind === 'ajp') return undefined;
  if (outcome.speaks === 'other') return request.kind === 'http' || request.kind === 'tls' ? 'garbage' : undefined;
  const headers = outcome.answer.headers ?? [];
  const names = headers.map(([name]) => name);
  const bad = headers.find(([name, value]) => !tokenName.test(name) || value.includes('\0'));
  if (bad !== undefined) return `the field ${JSON.stringify(bad[0].slice(0, 80))}`;
  if (names.includes('content-length') && names.includes('transfer-encoding')) return 'both Content-Length and Transfer-Encoding';
  const twice = names.find((name, index) => single.has(name) && names.indexOf(name) !== index);
  if (twice !== undefined) return `the field ${twice} twice`;
  const length = headers.find(([name]) => name === 'content-length')?.[1];
  return length !== undefined && !/^\d+$/.test(length) ? `the Content-Length ${JSON.stringify(length.slice(0, 80))}` : undefined;
}

/** What nginx refuses in a header since 1.23.0 and passed on before; the rest it has refused all along. */
export function newlyRefusedIn(probe: ProbeResult): string | undefined {
  const wrong = wrongHeaderIn(probe);
  return wrong === undefined || wrong === 'garbage' || wrong.startsWith('the field "') ? undefined : wrong;
}
