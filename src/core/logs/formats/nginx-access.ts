/**
 * Formats of nginx access logs that many configurations share, with the fields of the upstream.
 *
 * Source: nginx.com's article on logging upstream times; ingress-nginx's documentation (its `upstreaminfo`, with `$request` before
 * 0.22); what badhop itself advises (docs/faults/logging-not-ready.md).
 */
import type { LogFormat } from '../scan/format.ts';
import { nginxFormatAs } from './nginx-format.ts';

const combined = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';
const ingressTail =
  '$status $body_bytes_sent "$http_referer" "$http_user_agent" $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr $upstream_response_length $upstream_response_time $upstream_status $req_id';
const ingressOldTail =
  '$status $body_bytes_sent "$http_referer" "$http_user_agent" $request_length $request_time [$proxy_upstream_name] $upstream_addr $upstream_response_length $upstream_response_time $upstream_status';

const texts: readonly (readonly [id: string, title: string, text: string])[] = [
  [
    'nginx-upstream',
    'badhop',
    `${combined} us=$upstream_status ua=$upstream_addr uht=$upstream_header_time uct=$upstream_connect_time ub=$upstream_bytes_received`,
  ],
  [
    'nginx-upstream-time',
    'upstream_time',
    `${combined} rt=$request_time uct="$upstream_connect_time" uht="$upstream_header_time" urt="$upstream_response_time"`,
  ],
  ['ingress-nginx', 'upstreaminfo of ingress-nginx', `$remote_addr - $remote_user [$time_local] "$request" ${ingressTail}`],
  [
    'ingress-nginx-0.20',
    'upstreaminfo of ingress-nginx up to 0.20',
    `$remote_addr - [$proxy_add_x_forwarded_for] - $remote_user [$time_local] "$request" ${ingressOldTail}`,
  ],
  [
    'ingress-nginx-0.21',
    'upstreaminfo of ingress-nginx 0.21 to 0.25',
    `$remote_addr - [$proxy_add_x_forwarded_for] - $remote_user [$time_local] "$request" ${ingressOldTail} $req_id`,
  ],
];

export const nginxAccessFormats: readonly LogFormat[] = texts.map(([id, title, text]) => nginxFormatAs(id, `nginx access log (${title})`, text));
