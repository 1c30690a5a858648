import type { ConfigDirective } from '../../model/facts/nginx.ts';
import { isLoopback } from '../addresses.ts';
import { defineLintRule, spotOf } from '../rule.ts';
import { around, inForce, settingOf, type Scope } from '../scopes.ts';
import { revalued } from '../splices.ts';
import type { LintServer } from '../servers.ts';
import { spokenTime, writtenTime } from '../words.ts';

/** What gives a load balancer away, and how long it keeps an idle connection to nginx: Google's 600 s cannot be changed, AWS's 60 s can. */
const balancers: readonly { readonly name: string; readonly marks: RegExp; readonly idleMs: number }[] = [
  { name: "Google Cloud's load balancer", marks: /GoogleHC|^(?:130\.211\.0\.0\/22|35\.191\.0\.0\/16)$/, idleMs: 600_000 },
  { name: "AWS's Application Load Balancer", marks: /ELB-HealthChecker|\$http_x_amzn_trace_id/, idleMs: 60_000 },
];
const defaultMs = 75_000;

interface Mark {
  readonly directive: ConfigDirective;
  /** The `server` or `http` block that it speaks for. */
  readonly scope: Scope;
  readonly balancer: (typeof balancers)[number];
}

/** Whoever sends the requests must be the first to close an idle connection; here that is the balancer, and nginx is its backend. */
export default defineLintRule({
  meta: {
    id: 'keepalive-below-balancer',
    title: 'nginx closes idle connections before the load balancer in front does',
    severity: 'warning',
  },
  *check(view) {
    const marks = view.scopes.flatMap(scope => marksIn(scope));
    if (marks.length === 0) return;
    for (const server of view.servers) {
      const mark = marks.find(one => one.scope === server.scope) ?? marks.find(one => one.scope === server.scope.parent);
      if (mark === undefined || server.layer !== 'http' || !isReachable(server)) continue;
      const written = settingOf(server.scope, 'keepalive_timeout');
      if (written === undefined && !inForce(server.scope, 'keepalive_timeout').isSure) continue;
      const ms = written === undefined ? defaultMs : written.ms;
      const { balancer, directive } = mark;
      if (ms === undefined || ms === 0 || ms > balancer.idleMs) continue;
      const wanted = writtenTime(balancer.idleMs + (balancer.idleMs > 60_000 ? 20_000 : 5000));
      yield {
        at: spotOf(written?.at ?? directive),
        message: `This configuration knows ${balancer.name}, which keeps idle connections to nginx for ${spokenTime(balancer.idleMs)}, and nginx closes them after ${spokenTime(ms)}${written === undefined ? ' by default' : ''}: a request that is sent in the moment of that close gets a 502 of the balancer, and nginx logs nothing.`,
        advice: `Set \`keepalive_timeout ${wanted};\` for what the balancer asks.`,
        ...(written === undefined
          ? {}
          : {
              related: [{ at: spotOf(directive), text: 'This is by what the balancer is known.' }],
              fix: { summary: 'Keep idle connections longer than the balancer', changes: [revalued(written.at, wanted)] },
            }),
      };
    }
  },
});

/** A comment alone is no mark: what nginx reads is. */
function marksIn(scope: Scope): readonly Mark[] {
  if (scope.layer !== 'http') return [];
  const speaksFor = around(scope, 'server') ?? around(scope, 'http');
  if (speaksFor === undefined) return [];
  return scope.inside.flatMap((directive): Mark[] => {
    const words = [directive.name, ...directive.args.map(arg => arg.value)];
    const balancer = balancers.find(({ marks }) => words.some(word => word.length < 2000 && marks.test(word)));
    return balancer === undefined ? [] : [{ directive, scope: speaksFor, balancer }];
  });
}

function isReachable({ listens }: LintServer): boolean {
  return listens.some(({ host, path }) => path === undefined && !isLoopback(host));
}
