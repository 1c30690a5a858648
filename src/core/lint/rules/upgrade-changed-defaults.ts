/**
 * What a newer nginx does otherwise with the same file. Source: nginx's CHANGES (1.19.7, 1.23.0, 1.23.4, 1.25.1, 1.27.3, 1.29.7);
 * that an address without an `upstream` block is not kept: nginx, pull request 1080.
 */
import { compareVersions } from '../../derive/directives.ts';
import { hasWord, headerValueFor } from '../header-values.ts';
import { headerOf, headersOf, type LintPass } from '../passes.ts';
import { keepaliveOf } from '../reuse.ts';
import { defineLintRule, spotOf, type LintProblem } from '../rule.ts';
import { isUnset, own } from '../scopes.ts';
import { beside } from '../splices.ts';
import { targetsOf } from '../upstreams-used.ts';
import type { LintUpstream } from '../upstreams.ts';
import type { LintView } from '../view.ts';

export default defineLintRule({
  meta: {
    id: 'upgrade-changed-defaults',
    title: 'A newer nginx does something else with this file',
    severity: 'warning',
    fault: 'upgrade-changed-defaults',
  },
  *check(view) {
    const { upgradeTo, version } = view;
    if (upgradeTo === undefined) return;
    const crosses = (release: string): boolean => compareVersions(version, release) < 0 && compareVersions(upgradeTo, release) >= 0;
    if (crosses('1.19.7')) yield* sizesOfHttp2(view);
    if (crosses('1.23.0')) yield* strictHeaders(view);
    if (crosses('1.23.4')) yield* upstreamProtocols(view, '1.23.4');
    if (crosses('1.25.1')) {
      yield* removedSsl(view);
      yield* http2Parameter(view);
    }
    if (crosses('1.27.3')) {
      yield* upstreamProtocols(view, '1.27.3');
      yield* clientProtocols(view);
    }
    if (crosses('1.29.7')) yield* keptConnections(view);
  },
});

function* keptConnections(view: LintView): Generator<LintProblem> {
  const told = new Set<LintUpstream>();
  let addresses = false;
  for (const { pass, target } of targetsOf(view)) {
    if (pass.kind !== 'proxy') continue;
    const version = pass.setting('http_version');
    const connection = headerOf(pass, 'connection');
    if (!version.isSure || !headersOf(pass).isSure) continue;
    const closes = connection === undefined ? true : hasWord(headerValueFor(pass.scope, connection.value, '') ?? '', 'close');
    const { upstream } = target;
    // Written down, both are what they were.
    if (version.at !== undefined && (version.args[0] !== '1.1' || connection !== undefined)) continue;
    if (upstream === undefined) {
      if (version.at !== undefined || addresses) continue;
      addresses = true;
      yield {
        at: spotOf(pass.directive),
        message:
          'Since 1.29.7 requests are passed on as HTTP/1.1 where no `proxy_http_version` says otherwise, and as HTTP/1.0 before: backends may answer in chunks, and must know HTTP/1.1. This holds for every such pass of the file that leads to an address.',
        advice: 'Try the backend with HTTP/1.1, or keep what was: `proxy_http_version 1.0;`.',
        severity: 'notice',
        ...pinOf(pass, undefined),
      };
      continue;
    }
    // A header of its own that closes goes on doing so.
    if (told.has(upstream) || own(upstream.scope, 'keepalive').some(one => one.args[0]?.value === '0') || (connection !== undefined && closes)) continue;
    told.add(upstream);
    yield {
      at: spotOf(pass.directive),
      message: `Since 1.29.7 nginx speaks HTTP/1.1 and keeps connections to "${upstream.name}" open, 60 s by default; before, each request here had a connection of its own. Where the backend closes idle connections sooner, a POST gets a 502 now and then.`,
      advice:
        version.at === undefined
          ? 'Set `keepalive_timeout` in the upstream below that of the backend, or keep what was: `proxy_http_version 1.0;` where requests are passed on.'
          : 'Set `keepalive_timeout` in the upstream below that of the backend, or keep what was: `proxy_set_header Connection close;`.',
      related: [{ at: spotOf(keepaliveOf(upstream) ?? upstream.directive), text: 'Its connections will be kept.' }],
      ...(version.at === undefined ? pinOf(pass, upstream) : {}),
    };
  }
}

/** Nothing where somebody asked for what HTTP/1.0 cannot do: kept connections or WebSockets. */
function pinOf(pass: LintPass, upstream: LintUpstream | undefined): Pick<LintProblem, 'fix'> {
  if (headerOf(pass, 'upgrade') !== undefined || (upstream !== undefined && keepaliveOf(upstream) !== undefined)) return {};
  const change = beside(pass, 'proxy_http_version 1.0;');
  return change === undefined ? {} : { fix: { summary: 'Write down what the older nginx did', changes: [change] } };
}

function* strictHeaders(view: LintView): Generator<LintProblem> {
  const first = view.passes.find(pass => pass.kind !== 'stream' && pass.kind !== 'memcached');
  if (first === undefined) return;
  yield {
    at: spotOf(first.directive),
    message:
      'Since 1.23.0 nginx answers 502 where a backend sends Content-Length or Transfer-Encoding twice, both at once, or one that cannot be read; before, it passed such an answer on. This holds for every pass of the file, and no directive allows it again.',
    advice: 'Look at what the backends answer before the upgrade: `curl -sD - -o /dev/null ADDRESS | grep -ic "^content-length"` must not say 2.',
    severity: 'notice',
  };
}

/** One finding for each block that the passes stand in. */
function* upstreamProtocols(view: LintView, release: '1.23.4' | '1.27.3'): Generator<LintProblem> {
  for (const { pass, target } of targetsOf(view)) {
    if (!target.tls || !isUnset(pass.scope, `${pass.kind}_ssl_protocols`)) continue;
    const old = `${pass.kind}_ssl_protocols TLSv1 TLSv1.1 TLSv1.2${release === '1.27.3' && view.since('1.23.4') ? ' TLSv1.3' : ''};`;
    yield {
      at: spotOf(pass.directive),
      message:
        release === '1.23.4'
          ? `Since 1.23.4 nginx offers TLS 1.3 to "${target.authority}", because no \`${pass.kind}_ssl_protocols\` says otherwise: a backend that stumbles over it fails in the handshake, which is a 502.`
          : `Since 1.27.3 nginx offers neither TLS 1.0 nor 1.1 to "${target.authority}", because no \`${pass.kind}_ssl_protocols\` says otherwise: a backend that knows nothing newer fails in the handshake, which is a 502.`,
      advice: `Try it first: \`openssl s_client ${release === '1.23.4' ? '' : '-tls1_2 '}-connect HOST:PORT\`. To keep what was, set \`${old}\`.`,
      severity: release === '1.23.4' ? 'warning' : 'notice',
    };
  }
}

function* clientProtocols(view: LintView): Generator<LintProblem> {
  const first = view.servers.find(({ layer, listens, scope }) => layer === 'http' && listens.some(listen => listen.isTls) && isUnset(scope, 'ssl_protocols'));
  if (first === undefined) return;
  yield {
    at: spotOf(first.directive),
    message:
      'Since 1.27.3 clients that know TLS 1.0 and 1.1 alone are refused where no `ssl_protocols` says otherwise, load balancers and other proxies in front too.',
    advice: 'Look whether such clients come ($ssl_protocol in the access log), or keep what was: `ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;`.',
    severity: 'notice',
  };
}

function* removedSsl(view: LintView): Generator<LintProblem> {
  for (const scope of view.scopes) {
    if (scope.layer !== 'http' || (scope.kind !== 'http' && scope.kind !== 'server')) continue;
    for (const directive of own(scope, 'ssl')) {
      yield {
        at: spotOf(directive),
        message: 'nginx knows no directive `ssl` since 1.25.1: it does not start with this line.',
        advice:
          directive.args[0]?.value === 'on'
            ? 'Take it out, and write `ssl` behind each address: `listen 443 ssl;`.'
            : 'Take it out: without it nothing changes.',
        severity: 'error',
        ...(directive.args[0]?.value === 'off'
          ? {
              fix: {
                summary: 'Take out what nginx no longer knows',
                changes: [{ path: directive.path, start: directive.start, end: directive.end, text: '' }],
              },
            }
          : {}),
      };
    }
  }
}

/** It still works; nginx says at each start that it is deprecated. */
function* http2Parameter(view: LintView): Generator<LintProblem> {
  const first = view.servers.flatMap(({ listens }) => listens).find(({ parameters }) => parameters.has('http2'));
  if (first === undefined) return;
  yield {
    at: spotOf(first.directive),
    message: 'Since 1.25.1 nginx warns at each start that the `http2` of a `listen` is deprecated. It goes on working, for every server of that address.',
    advice: 'Once nothing older reads this file, write `http2 on;` in each server that is to speak it, and leave `http2` out here.',
    severity: 'notice',
  };
}

function* sizesOfHttp2(view: LintView): Generator<LintProblem> {
  for (const scope of view.scopes) {
    if (scope.layer !== 'http') continue;
    for (const name of ['http2_max_field_size', 'http2_max_header_size']) {
      for (const directive of own(scope, name)) {
        yield {
          at: spotOf(directive),
          message: `Since 1.19.7 nginx ignores \`${name}\`: the limit for headers of HTTP/2 is that of \`large_client_header_buffers\`, 8k a line by default.`,
          advice: 'Set `large_client_header_buffers` to the same size.',
          severity: 'notice',
        };
      }
    }
  }
}
