/** What to run, to know what logs do not say; and what could not be looked at. */
import type { LogInput, LogsReport, LogTotals } from '../../model/logs-report.ts';
import type { NotChecked } from '../../model/report.ts';
import type { LogFormat, LogProduct } from '../scan/format.ts';
import type { FieldRole } from '../scan/plan.ts';
import type { Told } from './problems.ts';
import { isoTime, shareText } from './words.ts';

export interface NextInput {
  readonly told: readonly Told[];
  readonly inputs: readonly LogInput[];
  /** Those that lines have. */
  readonly formats: readonly LogFormat[];
  readonly totals: LogTotals;
  readonly nowMs: number;
  readonly endMs: number;
  readonly partial: string | undefined;
}

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
/** More misfits than this share are told. */
const mostMisfits = 0.005;

export function nextSteps({ told, formats, nowMs, inputs }: NextInput): LogsReport['next'] {
  const next: { command: string; why: string }[] = [];
  if (told.length === 0) return next;
  const firstMs = Math.min(...told.map(({ problem }) => Date.parse(problem.firstAt)));
  if (nowMs - firstMs < 7 * dayMs) {
    next.push({
      command: `badhop --since ${sinceText(firstMs, nowMs)}`,
      why: 'Run it on the host: it reads the configuration, asks the backends and tells apart what logs cannot.',
    });
  } else {
    next.push({ command: 'badhop', why: 'Run it on the host: it shows whether the cause is still there.' });
  }
  const isUnknown = told.some(({ problem, group }) => problem.madeBy === 'unknown' && group.kind === 'requests');
  if (isUnknown)
    for (const product of new Set(formats.filter(({ kind }) => kind === 'access').map(format => format.product))) next.push(...betterFormat(product));
  const lacksMessages = told.some(({ problem, messages }) => messages.length === 0 && (problem.madeBy === 'nginx' || problem.madeBy === 'unknown'));
  const access = inputs.find(({ kind }) => kind === 'access')?.path;
  if (lacksMessages && access !== undefined && !formats.some(({ kind }) => kind === 'error') && formats.some(({ product }) => product === 'nginx')) {
    const errors = access.replace(/access/u, 'error');
    next.push({
      command: `badhop logs ${quoted(access)} ${quoted(errors === access ? '/var/log/nginx/error.log' : errors)}`,
      why: 'The error log says why nginx failed; it is joined to the requests by time and peer.',
    });
  }
  return next;
}

/** As `--since` takes it: a span back from now, a little more than needed. */
function sinceText(firstMs: number, nowMs: number): string {
  const minutes = Math.ceil((nowMs - firstMs) / minuteMs) + 5;
  if (minutes <= 0) return isoTime(firstMs);
  return minutes < 120 ? `${minutes}m` : `${Math.ceil(minutes / 60)}h`;
}

/** The line that makes a log say who made an answer. */
function betterFormat(product: LogProduct): LogsReport['next'] {
  if (product === 'nginx') {
    return [
      {
        command:
          'log_format badhop \'$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_length $request_time "$upstream_addr" "$upstream_status" "$upstream_connect_time" "$upstream_header_time" "$upstream_response_time"\';',
        why: 'In the http block of nginx, and `access_log /var/log/nginx/access.log badhop;` where it logs: the upstream variables say who made each answer.',
      },
    ];
  }
  if (product === 'apache') {
    return [
      {
        command: 'LogFormat "%h %l %u %t \\"%r\\" %>s %b \\"%{Referer}i\\" \\"%{User-Agent}i\\" %D %{balancer-worker-name}e" badhop',
        why: 'In the configuration of Apache: the name of the worker says which backend was asked.',
      },
    ];
  }
  if (product === 'haproxy') return [{ command: 'option httplog', why: 'In the frontend of HAProxy: its termination state says who ended each request.' }];
  return [];
}

function quoted(path: string): string {
  return /^[\w./:@%+,=-]+$/u.test(path) && !path.startsWith('-') ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** What a report on these logs leaves out. */
export function listNotChecked({ inputs, formats, totals, partial, told }: NextInput): readonly NotChecked[] {
  const list: NotChecked[] = [];
  if (partial !== undefined) list.push({ what: 'the rest of the logs', why: partial, how: 'run it again to the end' });
  for (const one of inputs) {
    if (one.unread !== undefined)
      list.push({ what: one.path, why: one.unread, how: /permission|denied|EACCES/iu.test(one.unread) ? 'run it as a user who may read it' : '' });
    const lines = one.lines - one.outside;
    if (one.misfits > mostMisfits * lines && one.misfits > 0) {
      list.push({
        what: `${shareText(one.misfits / Math.max(1, lines))} of the lines of ${one.path}`,
        why: 'they fit no known format',
        how: 'name the format with --log-format, or give the log_format of the configuration',
      });
    }
  }
  const access = formats.filter(({ kind }) => kind === 'access');
  if (access.length > 0 && told.some(({ group }) => group.kind === 'requests')) {
    const lacks = (roles: readonly FieldRole[], what: string): void => {
      if (!access.some(({ roles: own }) => roles.some(role => own.includes(role))))
        list.push({ what, why: `no log has ${what === 'which peer failed' ? 'the peers' : 'it'}`, how: 'add it to the log format' });
    };
    lacks(['peer', 'group'], 'which peer failed');
    lacks(['request-time', 'upstream-time'], 'how long requests take');
  }
  if (access.length === 0 && totals.errors > 0)
    list.push({ what: 'the share of requests that fails', why: 'there is no access log among these', how: 'give the access log too' });
  return list;
}
