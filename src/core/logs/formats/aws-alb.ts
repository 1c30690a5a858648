/**
 * Access logs of AWS load balancers: Application Load Balancers (new fields are added at the end: 25 in 2018, 34 seen in 2026),
 * and Classic ones.
 *
 * Source: docs.aws.amazon.com/elasticloadbalancing, "Access logs". Of ALB's three times none is that of the whole request; the
 * target's is by far the longest and counts as it. `-1`: the target was not asked, or did not answer. A sample:
 *
 *     http 2018-11-30T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 - 0.000 0.001 0.000 502 - 34 366
 *     "GET http://www.example.com:80/ HTTP/1.1" "curl/7.46.0" - - arn:aws:…:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-…" "-" "-" 0
 *     2018-11-30T22:22:48.364000Z "forward" "-" "LambdaInvalidResponse" "-" "-" "-" "-"
 */
import type { MessageClass } from '../../model/facts/logs.ts';
import type { FieldValues, LogFormat, Outcome } from '../scan/format.ts';
import type { PlanStep } from '../scan/plan.ts';
import { isFailure, isNoTime, methodOf, outcome, present, statusOf } from './outcome.ts';
import { clock, columns, escapedField, field, literal, pass, rolesOf } from './steps.ts';

const blank = literal(' ');
const quoted = (step: PlanStep): readonly PlanStep[] => [literal('"'), step, literal('"')];
const passQuoted: readonly PlanStep[] = quoted({ do: 'field', use: 'skip', until: '"', escaped: true });

/** `elb client target request_time target_time response_time elb_status target_status received sent "request" "user agent"` */
const shared: readonly PlanStep[] = [
  ...columns(
    ' ',
    field('server', 'key', ' '),
    field('client', 'skip', ' '),
    field('peer', 'key', ' '),
    field('connect-time', 'shape', ' '),
    field('request-time', 'seconds', ' '),
    pass(' '),
    field('status', 'key', ' '),
    field('upstream-status', 'key', ' '),
    field('received', 'skip', ' '),
    field('sent', 'skip', ' '),
  ),
  blank,
  ...quoted(escapedField('request', 'first-word', '"')),
  blank,
  ...quoted(escapedField('user-agent', 'skip', '"')),
  blank,
  // Cipher and protocol of TLS.
  pass(' '),
  blank,
];

const albHead: readonly PlanStep[] = [
  field('protocol', 'skip', ' '),
  blank,
  clock('iso', ' '),
  blank,
  ...shared,
  pass(' '),
  blank,
  field('group', 'key', ' '),
  blank,
];
/** `"trace" "domain" "certificate" priority creation "actions" "redirect" "error reason"` */
const albTail: readonly PlanStep[] = [
  ...passQuoted,
  blank,
  ...quoted(field('host', 'skip', '"')),
  blank,
  ...passQuoted,
  blank,
  pass(' '),
  blank,
  pass(' '),
  blank,
  ...quoted(field('flags', 'key', '"')),
  blank,
  ...passQuoted,
  blank,
  ...quoted(field('reason', 'key', '"')),
  { do: 'rest' },
];

export const awsFormats: readonly LogFormat[] = [
  format('aws-alb', 'AWS Application Load Balancer access log', [...albHead, ...albTail], albOutcome),
  format('aws-alb-2016', 'AWS Application Load Balancer access log (before 2018)', [...albHead, { do: 'rest' }], albOutcome),
  format('aws-clb', 'AWS Classic Load Balancer access log', [clock('iso', ' '), blank, ...shared, { do: 'rest' }], clbOutcome),
];

function format(id: string, title: string, steps: readonly PlanStep[], make: (values: FieldValues) => Outcome): LogFormat {
  return { id, title, product: 'aws-alb', kind: 'access', plan: { kind: 'steps', steps }, roles: rolesOf(steps), outcome: make };
}

/** Statuses of its own: the client left; more addresses forwarded than it takes; target and client have no protocol in common. */
const clientLeft = 460;
const ownFailures: ReadonlySet<number> = new Set([clientLeft, 463, 464]);
/** A listener's rule answered; what is answered so is meant so. */
const fixedAnswers = /(?:^|,)(?:fixed-response|redirect)(?:,|$)/u;

function albOutcome(values: FieldValues): Outcome {
  const status = statusOf(values.status);
  const isFixed = fixedAnswers.test(values.flags ?? '');
  const failed = (isFailure(status) || ownFailures.has(status)) && !isFixed;
  const reason = present(values.reason);
  return outcome({
    status,
    failed,
    ...makerOf(values, status, failed),
    peer: present(values.peer) ?? groupOf(values.group),
    server: loadBalancer(values.server),
    method: methodOf(values),
    class: failed ? classOf(values, status, reason) : undefined,
    message: failed ? reason : undefined,
  });
}

function clbOutcome(values: FieldValues): Outcome {
  const status = statusOf(values.status);
  const failed = isFailure(status);
  return outcome({ status, failed, ...makerOf(values, status, failed), peer: present(values.peer), server: present(values.server), method: methodOf(values) });
}

function makerOf(values: FieldValues, status: number, failed: boolean): { readonly madeBy: 'backend' | 'proxy' | 'client' } {
  const target = statusOf(values['upstream-status']);
  if (!failed) return { madeBy: target === 0 ? 'proxy' : 'backend' };
  if (status === clientLeft || status === 463) return { madeBy: 'client' };
  return { madeBy: target === status ? 'backend' : 'proxy' };
}

/** What the fields prove. Of a 502 they do not say whether the target refused, broke off or sent rubbish. */
function classOf(values: FieldValues, status: number, reason: string | undefined): MessageClass | undefined {
  if (present(values['upstream-status']) !== undefined || status === clientLeft) return undefined;
  if (reason?.startsWith('Auth') === true) return 'auth-request';
  if (reason !== undefined) return undefined;
  const hasPeer = present(values.peer) !== undefined;
  if (status === 503 && !hasPeer) return 'no-live-upstreams';
  return status === 504 && hasPeer && !isNoTime(values['connect-time']) ? 'read-timeout' : undefined;
}

/** `web` of `app/web/50dc6c495c0c9188`. */
function loadBalancer(name: string | undefined): string | undefined {
  return present(name)?.replace(/^(?:app|net)\/([^/]+)\/.*$/u, '$1');
}

/** `web` of `arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/web/73e2`. */
function groupOf(arn: string | undefined): string | undefined {
  return /:targetgroup\/([^/]+)\//u.exec(arn ?? '')?.[1];
}
