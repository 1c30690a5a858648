import { placeOf, type WrittenAddress } from '../addresses.ts';
import { ownListens } from '../own-listens.ts';
import { effectivePort, type LintPass } from '../passes.ts';
import { defineLintRule, spotOf, type LintProblem } from '../rule.ts';
import type { PassedTo } from '../upstreams-used.ts';

/** Ports on which IANA and every package have one service that speaks nothing that nginx's HTTP passes speak. */
const otherServices: ReadonlyMap<number, string> = new Map([
  [22, 'SSH'],
  [25, 'SMTP'],
  [1433, 'SQL Server'],
  [1521, 'Oracle'],
  [2181, 'ZooKeeper'],
  [3306, 'MySQL'],
  [5432, 'PostgreSQL'],
  [5672, 'AMQP'],
  [6379, 'Redis'],
  [8009, "AJP (Tomcat's own HTTP port is 8080)"],
  [9042, 'Cassandra'],
  [27_017, 'MongoDB'],
]);
const httpPorts = new Set([80, 443, 8080, 8443]);
const words: Readonly<Record<string, string>> = {
  proxy: 'HTTP',
  grpc: 'gRPC',
  fastcgi: 'FastCGI',
  uwsgi: 'the uwsgi protocol',
  scgi: 'SCGI',
  memcached: "memcached's protocol",
};

/** The protocol that a pass speaks against what the address, its port and the rest of the file say about the server. */
export default defineLintRule({
  meta: {
    id: 'protocol-mismatch',
    title: 'A pass speaks another protocol than its server',
    severity: 'error',
    fault: 'protocol-mismatch',
  },
  *check(view) {
    const byPlace = new Map<string, Map<string, PassedTo[]>>();
    for (const passed of membersOfEveryPass(view.passes)) {
      const { member, pass, target } = passed;
      if (pass.kind === 'stream') continue;
      const port = effectivePort(pass, target, member);
      const wrong = wrongByPort(pass, member.address, port) ?? wrongByOwnListen(pass, ownListens(view, member.address, port).length > 0);
      if (wrong !== undefined) {
        const related = member.directive === pass.directive ? [] : [{ at: spotOf(pass.directive), text: 'It is passed to here.' }];
        yield { at: spotOf(member.directive, member.token), ...wrong, related };
        continue;
      }
      const place = placeOf(member.address, port);
      if (place === undefined) continue;
      const kinds = byPlace.get(place) ?? new Map<string, PassedTo[]>();
      byPlace.set(place, kinds);
      const family = familyOf(pass);
      kinds.set(family, [...(kinds.get(family) ?? []), passed]);
    }
    for (const [place, kinds] of byPlace) if (kinds.size > 1) yield twoProtocols(place, [...kinds.values()]);
  },
});

/** Every address with a pass of each protocol that leads to it. */
function* membersOfEveryPass(passes: readonly LintPass[]): Generator<PassedTo> {
  const seen = new Set<string>();
  for (const pass of passes) {
    for (const target of pass.targets) {
      for (const member of target.members) {
        // The address in a pass is one for each value of its variables.
        const key = `${member.directive.path} ${member.token.start} ${familyOf(pass)} ${target.upstream === undefined ? target.text : ''}`;
        if (member.isDown || seen.has(key)) continue;
        seen.add(key);
        yield { pass, target, member };
      }
    }
  }
}

/** A server may speak HTTP/1.1 and gRPC on one port, and no two others. */
function familyOf({ kind }: LintPass): string {
  return kind === 'grpc' ? 'proxy' : kind;
}

type Wrong = Pick<LintProblem, 'message' | 'advice' | 'severity'>;

function wrongByPort({ kind, directive }: LintPass, { path }: WrittenAddress, port: number | undefined): Wrong | undefined {
  const speaks = words[kind] ?? kind;
  if (path !== undefined) {
    if (kind === 'fastcgi' || !/(?:^|[/.-])php(?:-?\d[\d.]*)?-?fpm\b[^/]*\.sock(?:et)?$/i.test(path)) return undefined;
    return {
      message: `${path} is a socket of PHP-FPM by its name, which speaks FastCGI; \`${directive.name}\` speaks ${speaks}, so every request gets a 502.`,
      advice: 'Use `fastcgi_pass` with the parameters of `fastcgi_params`.',
    };
  }
  const service = port === undefined ? undefined : otherServices.get(port);
  if (service !== undefined && port !== undefined) {
    return {
      severity: 'warning',
      message: `Port ${port} is that of ${service}; \`${directive.name}\` speaks ${speaks} to it, and would get no valid answer.`,
      advice:
        port === 8009
          ? 'Pass to the HTTP connector of Tomcat, 8080 unless changed.'
          : 'Correct the port. A service that does not speak HTTP is passed on in `stream`.',
    };
  }
  if ((kind === 'fastcgi' || kind === 'uwsgi' || kind === 'scgi') && port !== undefined && httpPorts.has(port)) {
    return {
      severity: 'warning',
      message: `Port ${port} is one of HTTP; \`${directive.name}\` speaks ${speaks} to it, and would get no valid answer.`,
      advice: `Use \`proxy_pass\` for a server that speaks HTTP, or correct the port.`,
    };
  }
  return undefined;
}

function wrongByOwnListen({ kind, directive }: LintPass, isOwn: boolean): Wrong | undefined {
  if (!isOwn || kind === 'proxy' || kind === 'grpc') return undefined;
  return {
    message: `This address is one that nginx itself listens on for HTTP; \`${directive.name}\` speaks ${words[kind] ?? kind} to it, so every request gets a 502.`,
    advice: 'Correct the address, or use `proxy_pass`.',
  };
}

/** The kind that is used less often is shown first; which of the two is right, the file does not say. */
function twoProtocols(place: string, uses: readonly (readonly PassedTo[])[]): LintProblem {
  const [few = [], many = []] = uses.toSorted((a, b) => a.length - b.length);
  const [one] = few;
  const [other] = many;
  if (one === undefined || other === undefined) throw new Error('a place without passes');
  const spoken = (passed: PassedTo): string => `${words[passed.pass.kind] ?? passed.pass.kind} (\`${passed.pass.directive.name}\`)`;
  return {
    at: spotOf(one.pass.directive),
    message: `${place} is spoken to in ${spoken(one)} here and in ${spoken(other)} elsewhere. A server speaks one of them; the requests of the other get a 502.`,
    advice: 'Find out what listens there, and use its pass in both places.',
    related: [{ at: spotOf(other.pass.directive), text: `Here it is ${spoken(other)}.` }],
  };
}
