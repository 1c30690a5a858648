/**
 * Access records of Azure Application Gateway: JSON, one a line, as they lie in a storage account (v2 and v1), and as tables of Log
 * Analytics are exported (`AGWAccessLogs`, and `AzureDiagnostics` with the types behind the names).
 *
 * Source: learn.microsoft.com, "Monitoring data reference for Application Gateway". v2 is an nginx: its backend's status is a list where
 * it tried more than one, and may be its own word. v1 counts `timeTaken` in milliseconds and tells of the backend inside
 * `requestQuery` only. A sample (shortened):
 *
 *     {"timeStamp":"2021-10-14T22:17:11+00:00","backendPoolName":"app","properties":{"httpStatus":200,"timeTaken":0.034,
 *      "serverRouted":"52.239.221.65:443","serverStatus":"200","error_info":"ERRORINFO_NO_ERROR"}}
 */
import type { MadeBy, MessageClass } from '../../model/facts/logs.ts';
import { upstreamTries } from '../../parsers/upstream-lists.ts';
import type { FieldValues, LogFormat, Outcome } from '../scan/format.ts';
import type { FieldRole, FieldUse, JsonKey } from '../scan/plan.ts';
import { isFailure, methodOf, outcome, present, statusOf } from './outcome.ts';
import { jsonClock } from './steps.ts';

type Column = readonly [name: string, role: FieldRole, use: FieldUse, type: 's' | 'd'];

const requestColumns: readonly Column[] = [
  ['httpStatus', 'status', 'key', 'd'],
  ['clientIP', 'client', 'skip', 's'],
  ['httpMethod', 'method', 'key', 's'],
  ['originalRequestUriWithArgs', 'uri', 'skip', 's'],
  ['requestUri', 'uri', 'skip', 's'],
  ['userAgent', 'user-agent', 'skip', 's'],
  ['httpVersion', 'protocol', 'skip', 's'],
  ['receivedBytes', 'received', 'skip', 'd'],
  ['sentBytes', 'sent', 'skip', 'd'],
  ['originalHost', 'host', 'skip', 's'],
  ['host', 'host', 'skip', 's'],
];
const backendColumns: readonly Column[] = [
  ['serverRouted', 'peer', 'key', 's'],
  ['serverStatus', 'upstream-status', 'key', 's'],
  ['serverResponseLatency', 'upstream-time', 'seconds', 's'],
  ['timeTaken', 'request-time', 'seconds', 'd'],
  ['error_info', 'reason', 'key', 's'],
  ['listenerName', 'server', 'key', 's'],
  ['backendPoolName', 'group', 'key', 's'],
];
const all = [...requestColumns, ...backendColumns];
const ofV1: readonly Column[] = [...requestColumns, ['timeTaken', 'request-time', 'milliseconds', 'd'], ['instanceId', 'server', 'skip', 's']];

export const azureFormats: readonly LogFormat[] = [
  format('azure-application-gateway', 'Azure Application Gateway access log', ['timeStamp', 'time'], all, ['httpStatus', 'serverRouted'], name => name),
  format(
    'azure-agw-table',
    'Azure Application Gateway access log (AGWAccessLogs)',
    ['TimeGenerated', 'TimeGenerated [UTC]'],
    all,
    ['httpStatus', 'serverRouted'],
    pascal,
  ),
  format(
    'azure-diagnostics',
    'Azure Application Gateway access log (AzureDiagnostics)',
    ['TimeGenerated', 'timeStamp_t', 'TimeGenerated [UTC]'],
    all,
    ['httpStatus', 'serverRouted'],
    (name, type) => `${name}_${type}`,
  ),
  format('azure-application-gateway-v1', 'Azure Application Gateway v1 access log', ['time', 'timeStamp'], ofV1, ['httpStatus', 'instanceId'], name => name),
];

function format(
  id: string,
  title: string,
  times: readonly string[],
  columns: readonly Column[],
  required: readonly string[],
  spell: (name: string, type: 's' | 'd') => string,
): LogFormat {
  const keys: readonly JsonKey[] = [
    ...times.map((name): JsonKey => ({ name, use: 'skip', time: jsonClock('iso') })),
    ...columns.map(([name, role, use, type]): JsonKey => ({
      name: spell(name, type),
      role,
      use,
      ...(required.includes(name) ? { required: true as const } : {}),
    })),
  ];
  const roles = [...new Set(columns.map(([, role]) => role))];
  return {
    id,
    title,
    product: 'azure-application-gateway',
    kind: 'access',
    plan: { kind: 'json', keys },
    roles,
    outcome: values => gatewayOutcome(values, roles),
  };
}

function pascal(name: string): string {
  if (name === 'error_info') return 'ErrorInfo';
  return name.replace('IP', 'Ip').replace(/^./u, first => first.toUpperCase());
}

const reasons: Readonly<Record<string, MessageClass>> = {
  ERRORINFO_UPSTREAM_NO_LIVE: 'no-live-upstreams',
  ERRORINFO_UPSTREAM_CLOSED_CONNECTION: 'premature-close',
  ERRORINFO_UPSTREAM_TIMED_OUT: 'read-timeout',
};
const noError = 'ERRORINFO_NO_ERROR';

function gatewayOutcome(values: FieldValues, roles: readonly FieldRole[]): Outcome {
  const status = statusOf(values.status);
  const peers = upstreamTries(values.peer ?? '-');
  const statuses = upstreamTries(present(values['upstream-status']) ?? '-');
  const hidden = status > 0 && status < 499 ? statuses.flatMap((one, index) => (Number(one) >= 500 ? [index] : [])) : [];
  const isBad = isFailure(status);
  const reason = present(values.reason);
  const tells = isBad && reason !== undefined && reason !== noError;
  return outcome({
    status,
    failed: isBad || hidden.length > 0,
    ...(isBad ? makerOf(status, statuses.at(-1), reason, roles) : { madeBy: madeGood(statuses, roles) }),
    peer: present(peers.at(-1)) ?? present(values.group),
    hiddenPeers: hidden.length === 0 ? undefined : [...new Set(hidden.flatMap(index => present(peers[index]) ?? []))],
    server: roles.includes('upstream-status') ? present(values.server) : undefined,
    method: methodOf(values),
    class: tells ? reasons[reason] : undefined,
    message: tells ? reason : undefined,
  });
}

function madeGood(statuses: readonly string[], roles: readonly FieldRole[]): MadeBy {
  if (!roles.includes('upstream-status')) return 'unknown';
  return statuses.length > 0 ? 'backend' : 'proxy';
}

function makerOf(
  status: number,
  backend: string | undefined,
  reason: string | undefined,
  roles: readonly FieldRole[],
): { readonly madeBy: MadeBy; readonly because?: string } {
  if (status === 499 || reason === 'ERRORINFO_CLIENT_CLOSED_REQUEST') return { madeBy: 'client' };
  if (!roles.includes('upstream-status')) return { madeBy: 'unknown', because: 'records of v1 tell of the backend only inside requestQuery' };
  if (reason !== undefined && Object.hasOwn(reasons, reason)) return { madeBy: 'proxy' };
  if (backend === undefined || backend === '-' || backend === '') return { madeBy: 'proxy' };
  // Without a reason a 502 or 504 in the backend's place may be the gateway's own word.
  if (reason === undefined && (backend === '502' || backend === '504')) return { madeBy: 'unknown', because: 'the record has no error_info' };
  return { madeBy: Number(backend) >= 500 ? 'backend' : 'proxy' };
}
