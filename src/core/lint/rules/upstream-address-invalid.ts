import { isIpLiteral } from '../../derive/pass-target.ts';
import type { LintPass, LintTarget } from '../passes.ts';
import { defineLintRule, spotOf, type LintProblem } from '../rule.ts';
import type { LintMember } from '../upstreams.ts';

const refused = { severity: 'error', fault: 'nginx-config-invalid' } as const;

/** What nginx refuses in an address (ngx_parse_url, ngx_http_upstream_init_round_robin), and addresses that nobody can answer at. */
export default defineLintRule({
  meta: {
    id: 'upstream-address-invalid',
    title: 'An upstream address is none that can be connected to',
    severity: 'error',
    fault: 'address-mismatch',
  },
  *check(view) {
    for (const { layer, members } of view.upstreams) for (const member of members) yield* problemsOf(member, layer === 'stream');
    // A group may be in a file that was not read.
    const isKnown = view.scopes.every(scope => scope.isWhole || !['main', 'http', 'stream'].includes(scope.kind));
    for (const pass of view.passes) {
      for (const target of pass.targets) {
        if (target.upstream !== undefined) continue;
        const wrong = prefixProblem(pass) ?? portlessProblem(pass, target, isKnown);
        if (wrong !== undefined) yield wrong;
        else for (const member of target.members) yield* problemsOf(member, false);
      }
    }
  },
});

function* problemsOf({ address, directive, token }: LintMember, needsPort: boolean): Generator<LintProblem> {
  const { host = '', path, port, portText, text, variables } = address;
  const at = spotOf(directive, token);
  if (variables.length > 0 || path !== undefined) return;
  if (text.includes('://')) {
    yield {
      at,
      ...refused,
      message: `"${text}" begins with a scheme, which a \`server\` of an upstream does not have; nginx does not start.`,
      advice: 'Write the address alone, and the scheme in the `proxy_pass` that names the upstream.',
    };
  } else if (portText?.includes('/') === true) {
    yield {
      at,
      ...refused,
      message: `"${text}" holds a path, which a \`server\` of an upstream does not have; nginx does not start.`,
      advice: 'Write the address alone, and the path in the `proxy_pass` that names the upstream.',
    };
  } else if (portText !== undefined && port === undefined) {
    yield { at, ...refused, message: `"${portText}" is no port; nginx does not start ("invalid port in upstream").`, advice: 'Write a port from 1 to 65535.' };
  } else if (needsPort && port === undefined) {
    yield {
      at,
      ...refused,
      message: `"${text}" has no port; nginx does not start, because in \`stream\` there is no default.`,
      advice: 'Write the port behind a colon.',
    };
  }
  const wrongHost = hostProblem(host);
  if (wrongHost !== undefined) yield { at, ...wrongHost };
}

function hostProblem(host: string): Pick<LintProblem, 'message' | 'advice' | 'severity'> | undefined {
  if (host === '0.0.0.0' || host === '::') {
    return {
      severity: 'warning',
      message: `${host === '::' ? '[::]' : host} means "every address" to a server that listens; as an address to connect to it has no meaning, and only some systems take it for this machine.`,
      advice: `Write ${host === '::' ? '[::1]' : '127.0.0.1'}, or the address of the machine that is meant.`,
    };
  }
  if (/^\d{1,10}(?:\.\d{1,10}){3}$/.test(host) && !isIpLiteral(host)) {
    return {
      message: `"${host}" is no IP address: a part of it is over 255. nginx looks it up as a name, and does not start.`,
      advice: 'Correct the address.',
    };
  }
  const first = isIpLiteral(host) && !host.includes(':') ? Number(host.split('.')[0]) : 0;
  if (first >= 224)
    return { message: `${host} is a multicast or reserved address; nobody accepts a connection there.`, advice: 'Write the address of a server.' };
  return undefined;
}

/** What may stand before `://`; `undefined` for nothing at all. Other passes take an address alone. */
const schemes: Readonly<Record<string, readonly (string | undefined)[]>> = {
  proxy: ['http', 'https'],
  grpc: [undefined, 'grpc', 'grpcs'],
  uwsgi: [undefined, 'uwsgi', 'suwsgi'],
};

/** `proxy_pass 127.0.0.1:80`, `fastcgi_pass http://…`. */
function prefixProblem({ directive, kind, token, variables }: LintPass): LintProblem | undefined {
  const scheme = /^([a-z]+):\/\//i.exec(token.value)?.[1]?.toLowerCase();
  const allowed = schemes[kind] ?? [undefined];
  if (allowed.includes(scheme) || (scheme === undefined && variables.length > 0)) return undefined;
  const has = scheme === undefined ? 'has no scheme' : `begins with ${scheme}://`;
  return {
    at: spotOf(directive, token),
    ...refused,
    message: `"${token.value}" ${has}, which \`${directive.name}\` does not take; nginx does not start.`,
    advice: kind === 'proxy' ? `Write http://${token.value}, or https:// where the server speaks TLS.` : 'Write the address as host:port or unix:/path.',
  };
}

/** Only HTTP and gRPC have a default port. A word without one is taken for the name of an upstream, which is not there. */
function portlessProblem({ directive, kind, token }: LintPass, { authority, members, variables }: LintTarget, isKnown: boolean): LintProblem | undefined {
  const [member] = members;
  if (kind === 'proxy' || kind === 'grpc' || variables.length > 0 || member === undefined) return undefined;
  const { host = '', path, portText } = member.address;
  if (path !== undefined || portText !== undefined || !(isKnown || isIpLiteral(host))) return undefined;
  return {
    at: spotOf(directive, token),
    ...refused,
    message: `"${authority}" has no port${isIpLiteral(host) ? '' : ', and there is no upstream of that name'}; nginx does not start ("no port in upstream").`,
    advice: 'Write the port, or the name of an `upstream` block.',
  };
}
