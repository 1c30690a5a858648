import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { parseResolvConf } from '../../core/parsers/resolv-conf.ts';
import type { NameLookup, ResolverAnswer } from '../../core/model/trace.ts';
import { askResolver } from './ask-resolver.ts';
import { addressesInHosts } from './hosts-file.ts';
import type { HostPort, TraceRequest } from './trace-request.ts';

/** More are told, and not asked. */
const maxAddresses = 16;
const resolverTimeoutMs = 3000;
const maxFileBytes = 1024 * 1024;
const dnsPort = 53;

type Settings = Pick<TraceRequest, 'resolve' | 'resolvers' | 'family'>;

/** The addresses of a name, and who said so: `--resolve`, /etc/hosts, or each resolver that this machine asks. Never throws. */
export async function lookUp(host: string, port: number, settings: Settings): Promise<NameLookup> {
  const startMs = performance.now();
  const done = (from: NameLookup['from'], found: readonly string[], answers: readonly ResolverAnswer[] = []): NameLookup => {
    const wanted = [...new Set(found)].filter(address => settings.family === 'any' || isIP(address) === settings.family);
    return {
      name: host,
      from,
      addresses: wanted.slice(0, maxAddresses),
      omitted: Math.max(0, wanted.length - maxAddresses),
      names: chainOf(host, answers),
      answers,
      ms: performance.now() - startMs,
    };
  };
  const name = host.toLowerCase().replace(/\.$/, '');
  const given = settings.resolve.get(`${name}:${port}`) ?? settings.resolve.get(`${name}:*`);
  if (given !== undefined) return done('given', given);
  if (isIP(host) !== 0) return done('literal', [host]);
  if (settings.resolvers === undefined) {
    const own = addressesInHosts(await readOr('/etc/hosts'), name);
    if (own.length > 0) return done('hosts-file', own);
    // RFC 6761 §6.3: localhost is this machine, whatever DNS says.
    if (name === 'localhost' || name.endsWith('.localhost')) return done('hosts-file', ['127.0.0.1', '::1']);
  }
  const resolvers = settings.resolvers ?? parseResolvConf(await readOr('/etc/resolv.conf')).map(address => ({ host: address, port: dnsPort }));
  const answers = await askAll(resolvers, name);
  return done('dns', answers.filter(({ checkingDisabled }) => !checkingDisabled).flatMap(addressesOf), answers);
}

/** Each resolver for both families; a SERVFAIL is asked again without validation, which tells broken DNSSEC from a broken server. */
async function askAll(resolvers: readonly HostPort[], name: string): Promise<readonly ResolverAnswer[]> {
  const asked = resolvers.flatMap(resolver => (['A', 'AAAA'] as const).map(type => ({ resolver, type })));
  const rounds = await Promise.all(
    asked.map(async ({ resolver, type }) => {
      const first = await askResolver(resolver, { name, type }, resolverTimeoutMs);
      if (first.outcome.state !== 'answered' || first.outcome.rcode !== 'SERVFAIL') return [first];
      const [extended, unchecked] = await Promise.all([
        askResolver(resolver, { name, type, extended: true }, resolverTimeoutMs),
        askResolver(resolver, { name, type, checkingDisabled: true }, resolverTimeoutMs),
      ]);
      // A resolver that knows no EDNS answers FORMERR, which is not what is asked about.
      const isTelling = extended.outcome.state === 'answered' && extended.outcome.rcode === 'SERVFAIL' && extended.outcome.errors.length > 0;
      return [isTelling ? extended : first, unchecked];
    }),
  );
  return rounds.flat();
}

function addressesOf({ outcome }: ResolverAnswer): readonly string[] {
  return outcome.state === 'answered' ? outcome.addresses : [];
}

function chainOf(host: string, answers: readonly ResolverAnswer[]): readonly string[] {
  const longest = answers.map(({ outcome }) => (outcome.state === 'answered' ? outcome.names : [])).reduce((a, b) => (b.length > a.length ? b : a), []);
  return [host, ...longest.slice(0, 20)];
}

async function readOr(path: string): Promise<string> {
  try {
    const text = await readFile(path, 'utf8');
    return text.length > maxFileBytes ? text.slice(0, maxFileBytes) : text;
  } catch {
    return '';
  }
}
