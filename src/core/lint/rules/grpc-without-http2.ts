import { defineLintRule, spotOf } from '../rule.ts';
import { inForce } from '../scopes.ts';
import type { LintListen, LintServer } from '../servers.ts';
import { before } from '../splices.ts';
import type { LintView } from '../view.ts';

/** A client of gRPC speaks HTTP/2 or HTTP/3. `listen … http2` holds for all servers of that address, `http2 on` (1.25.1) for its own server. */
export default defineLintRule({
  meta: {
    id: 'grpc-without-http2',
    title: 'gRPC is passed on by a server that does not speak HTTP/2',
    severity: 'warning',
  },
  *check(view) {
    const shared = new Set(view.servers.flatMap(({ listens }) => listens.filter(({ parameters }) => parameters.has('http2')).map(one => keyOf(one))));
    const servers = new Map(view.servers.map(server => [server.scope, server]));
    for (const pass of view.passes) {
      const server = servers.get(pass.server);
      if (pass.kind !== 'grpc' || server === undefined || !server.scope.isWhole || speaksHttp2(server, shared, view)) continue;
      const [listen] = server.listens;
      const own = listen === undefined || listen.directive === server.directive ? undefined : listen.directive;
      yield {
        at: spotOf(pass.directive),
        message:
          'Requests are passed on as gRPC, and this server speaks HTTP/1 alone to its clients: a client of gRPC cannot connect, because it begins with HTTP/2.',
        advice: view.since('1.25.1') ? 'Set `http2 on;` in this server.' : 'Write `listen 443 ssl http2;`, a `listen` with `http2`, in this server.',
        related: server.listens.slice(0, 3).map(one => ({ at: spotOf(one.directive), text: 'It listens here.' })),
        ...(own !== undefined && view.since('1.25.1') ? { fix: { summary: 'Speak HTTP/2 to clients', changes: [before(own, 'http2 on;')] } } : {}),
      };
    }
  },
});

function speaksHttp2({ listens, scope }: LintServer, shared: ReadonlySet<string>, view: LintView): boolean {
  const { directives, isSure } = inForce(scope, 'http2');
  if (directives.at(-1)?.args[0]?.value === 'on' && view.since('1.25.1')) return true;
  if (!isSure && view.since('1.25.1')) return true;
  return listens.length === 0 || listens.some(one => one.parameters.has('quic') || shared.has(keyOf(one)));
}

function keyOf({ host, port, path }: LintListen): string {
  return path === undefined ? `${host}:${port}` : `unix:${path}`;
}
