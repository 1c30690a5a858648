import { placeOf } from '../addresses.ts';
import { effectivePort } from '../passes.ts';
import { defineLintRule, spotOf, type LintProblem } from '../rule.ts';
import type { LintMember } from '../upstreams.ts';
import { membersPassedTo, targetsOf } from '../upstreams-used.ts';
import type { LintView } from '../view.ts';

/** Below it only root may listen. */
const firstFreePort = 1024;

/** Ports that stand for a service of their own, so that a neighbour's longer port is no sign of a slip. */
const usual = new Set([80, 443, 8000, 8080, 8443, 3000, 5000, 9000]);

/**
 * A digit that was lost or doubled, where the rest of the file says what was meant: at least two other addresses of the same host and
 * protocol, or of the same group. A port below 1024, which only root can listen on, needs one.
 */
export default defineLintRule({
  meta: {
    id: 'address-mismatch',
    title: 'A port differs by one digit from the one that is used everywhere else',
    severity: 'warning',
    fault: 'address-mismatch',
  },
  *check(view) {
    const byHost = new Map<string, Use[]>();
    const byGroup = new Map<unknown, Use[]>();
    for (const { member, pass, target } of membersPassedTo(view)) {
      const port = effectivePort(pass, target, member);
      const host = hostOf(member, port);
      if (port === undefined || host === undefined) continue;
      const use = { port, member };
      add(byHost, `${pass.kind} ${host}`, use);
      if (target.upstream !== undefined) add(byGroup, target.upstream, use);
    }
    // What is defined and passed to by nobody says what a misspelt address was to be, in any protocol.
    const unused = new Map<string, Use[]>();
    for (const use of unusedMembers(view)) add(unused, hostOf(use.member, use.port) ?? '', use);
    for (const [key, uses] of byHost) for (const use of unused.get(key.slice(key.indexOf(' ') + 1)) ?? []) uses.push(use);
    const told = new Set<LintMember['token']>();
    for (const uses of [...byGroup.values(), ...byHost.values()]) {
      for (const problem of slips(uses)) {
        if (told.has(problem.token)) continue;
        told.add(problem.token);
        yield problem.problem;
      }
    }
  },
});

interface Use {
  readonly port: number;
  readonly member: LintMember;
}

function hostOf({ address }: LintMember, port: number | undefined): string | undefined {
  return address.path === undefined ? placeOf(address, port)?.replace(/:\d+$/, '') : undefined;
}

function unusedMembers(view: LintView): readonly Use[] {
  const used = new Set(targetsOf(view).flatMap(({ target }) => target.upstream ?? []));
  return view.upstreams
    .filter(one => !used.has(one))
    .flatMap(({ members }) => members.flatMap(member => (member.address.port === undefined ? [] : [{ port: member.address.port, member }])));
}

function* slips(uses: readonly Use[]): Generator<{ readonly token: LintMember['token']; readonly problem: LintProblem }> {
  const byPort = new Map<number, Use[]>();
  for (const use of uses) add(byPort, use.port, use);
  // The port that nearly all of them have; with several that are in use, none of them says what another should be.
  const [most] = [...byPort.values()].toSorted((a, b) => b.length - a.length || (b[0]?.port ?? 0) - (a[0]?.port ?? 0));
  const [first] = most ?? [];
  if (most === undefined || first === undefined) return;
  for (const [port, [use, ...more]] of byPort) {
    if (use === undefined || more.length > 0 || usual.has(port) || !isSlip(port, first.port)) continue;
    if (most.length < 2 && !(port < firstFreePort && first.port >= firstFreePort)) continue;
    const { member } = use;
    const other = first.member;
    yield {
      token: member.token,
      problem: {
        at: spotOf(member.directive, member.token),
        message: `Port ${port} stands here alone; ${most.length === 1 ? 'the other address like it has' : `${most.length} other addresses like it have`} ${first.port}. If this is a slip, nobody listens there, and its requests get a 502 (connection refused).`,
        advice: `Write ${first.port}, or say in a comment that ${port} is meant.`,
        related: [{ at: spotOf(other.directive, other.token), text: `Port ${first.port} is used here.` }],
      },
    };
  }
}

/** One is the other with a single digit more. */
function isSlip(a: number, b: number): boolean {
  const [short, long] = [String(a), String(b)].toSorted((x, y) => x.length - y.length);
  if (short === undefined || long === undefined || long.length !== short.length + 1) return false;
  return Array.from(long).some((_, at) => long.slice(0, at) + long.slice(at + 1) === short);
}

function add<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
