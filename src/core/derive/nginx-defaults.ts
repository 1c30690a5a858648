import type { PassKind } from '../model/facts/topology.ts';
import { compareVersions } from './directives.ts';

/** The directives whose value in force is resolved for each route, by their name without the module's prefix. */
export const routeDirectives = [
  'connect_timeout',
  'send_timeout',
  'read_timeout',
  'next_upstream',
  'next_upstream_timeout',
  'next_upstream_tries',
  'buffering',
  'buffer_size',
  'buffers',
  'busy_buffers_size',
  'max_temp_file_size',
  'temp_path',
  'http_version',
  'ssl_protocols',
  'ssl_ciphers',
  'ssl_verify',
  'ssl_verify_depth',
  'ssl_server_name',
  'ssl_name',
  'ssl_session_reuse',
  'ssl_trusted_certificate',
  'ssl_certificate',
  'intercept_errors',
  'ignore_client_abort',
  'request_buffering',
  'pass_request_body',
  'pass_request_headers',
  'keep_conn',
  'bind',
  'method',
  'socket_keepalive',
  'index',
  'cache',
] as const;

/** Directives of the core that bear on a route, under their own names. */
export const coreDirectives = [
  'resolver',
  'resolver_timeout',
  'client_max_body_size',
  'error_page',
  'root',
  'auth_request',
  'return',
  'rewrite',
  'internal',
  'deny',
  'limit_req',
  'auth_basic',
  'client_body_timeout',
  'keepalive_timeout',
] as const;

/** The core's `send_timeout` is about the client; without a name of its own it would take the place of `proxy_send_timeout`. */
export const clientSendTimeout = ['client_send_timeout', 'send_timeout'] as const;

/**
 * What nginx of that version does where the directive is absent.
 * Source: nginx documentation and CHANGES (ngx_http_{proxy,fastcgi,uwsgi,scgi,grpc,memcached}_module); sizes are those of 4 KiB pages.
 */
export function defaultOf(directive: string, pass: PassKind, version: string): readonly string[] | undefined {
  const since = (release: string): boolean => compareVersions(version, release) >= 0;
  switch (directive) {
    case 'connect_timeout':
    case 'send_timeout':
    case 'read_timeout':
      return ['60s'];
    case 'next_upstream':
      return ['error', 'timeout'];
    case 'next_upstream_timeout':
    case 'next_upstream_tries':
      return ['0'];
    case 'buffering':
    case 'request_buffering':
    case 'pass_request_body':
    case 'pass_request_headers':
    case 'ssl_session_reuse':
      return ['on'];
    case 'buffer_size':
      return ['4k'];
    case 'buffers':
      return ['8', '4k'];
    case 'http_version':
      return pass === 'proxy' ? [since('1.29.7') ? '1.1' : '1.0'] : undefined;
    case 'ssl_protocols':
      if (since('1.27.3')) return ['TLSv1.2', 'TLSv1.3'];
      return since('1.23.4') ? ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] : ['TLSv1', 'TLSv1.1', 'TLSv1.2'];
    case 'ssl_ciphers':
      return ['DEFAULT'];
    case 'ssl_verify':
    case 'ssl_server_name':
    case 'intercept_errors':
    case 'ignore_client_abort':
    case 'keep_conn':
      return ['off'];
    case 'ssl_verify_depth':
      return ['1'];
    case 'ssl_name':
      return [pass === 'proxy' ? '$proxy_host' : '$host'];
    case 'resolver_timeout':
      return ['30s'];
    case 'client_send_timeout':
    case 'client_body_timeout':
      return ['60s'];
    case 'keepalive_timeout':
      return ['75s'];
    case 'client_max_body_size':
      return ['1m'];
    default:
      return undefined;
  }
}
