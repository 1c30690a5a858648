import { defineFix } from '../model/fix.ts';
import { valueOr } from '../model/fact.ts';
import type { Service } from '../model/facts/backend.ts';
import type { Facts } from '../model/facts.ts';
import type { FixPlan } from '../model/finding.ts';
import { numberOf, textOf } from '../model/fix-data.ts';
import { dropInLimit, fileLimit, poolLimit, type LimitSteps } from '../model/limit-steps.ts';
import { commandWith } from '../model/unit-command.ts';

/** A worker that is allowed longer than the proxy waits works for nobody. */
const shareOfProxy = 0.9;
const options: Readonly<Partial<Record<Service['kind'], string>>> = { gunicorn: 'timeout', uwsgi: 'harakiri', puma: 'worker_timeout', unicorn: 'timeout' };

/** Raises the watchdog's limit to just below the time that nginx waits. Where it is there already, only a quicker answer helps. */
export default defineFix({
  id: 'raise-worker-timeout',
  fixes: ['worker-killed-by-timeout'],
  plan(finding, facts) {
    const service = valueOr(facts.services, []).find(one => one.id === textOf(finding.fixData, 'service'));
    const proxyMs = numberOf(finding.fixData, 'proxyMs');
    const limitMs = numberOf(finding.fixData, 'limitMs') ?? 0;
    if (service === undefined) return undefined;
    const target = proxyMs === undefined ? 0 : Math.floor((proxyMs * shareOfProxy) / 1000);
    if (target * 1000 <= limitMs) return byHand(service, proxyMs, limitMs);
    const found = service.kind === 'php-fpm' ? poolLimit(service, facts, 'request_terminate_timeout', `${target}s`) : commandSteps(service, facts, target);
    if (found === undefined) return byHand(service, proxyMs, limitMs, target);
    return {
      id: 'raise-worker-timeout',
      summary: `Let requests of ${service.name} take ${target} s instead of ${limitMs / 1000} s; nginx waits ${(proxyMs ?? 0) / 1000} s`,
      automatic: finding.confidence !== 'possible',
      risk: 'medium',
      minutes: 2,
      steps: found.steps,
      validate: found.validate,
      verify: 'The requests that failed succeed, and no new line of the watchdog stands in the log.',
    };
  },
});

function commandSteps(service: Service, facts: Facts, target: number): LimitSteps | undefined {
  const option = options[service.kind];
  const command = valueOr(facts['backend-configs'], undefined)?.commands.find(one => one.of.kind === 'process' && one.of.pid === service.masterPid);
  if (option === undefined || command === undefined || service.unit === undefined) return undefined;
  const inFile = fileLimit(service.unit, command.values[option], String(target));
  if (inFile !== undefined) return inFile;
  const unit = valueOr(facts['systemd-units'], []).find(one => one.name === service.unit);
  const master = valueOr(facts.processes, []).find(process => process.pid === service.masterPid);
  if (service.kind !== 'gunicorn' || unit === undefined || master === undefined || command.values[option]?.source.startsWith('file:') === true)
    return undefined;
  const line = commandWith(unit, master, ['--timeout', '-t'], String(target));
  return line === undefined ? undefined : dropInLimit(unit, 'timeout', line);
}

function byHand(service: Service, proxyMs: number | undefined, limitMs: number, target?: number): FixPlan {
  const waits = proxyMs === undefined ? '' : ` nginx waits ${proxyMs / 1000} s.`;
  return {
    id: 'raise-worker-timeout',
    summary: target === undefined ? `Make the requests of ${service.name} quicker` : `Raise the watchdog's limit of ${service.name} to ${target} s`,
    automatic: false,
    risk: 'medium',
    minutes: 15,
    steps: [
      {
        kind: 'manual',
        text:
          target === undefined
            ? `The watchdog's limit${limitMs > 0 ? ` of ${limitMs / 1000} s` : ''} is as long as nginx waits, or longer.${waits} Find out why the requests take so long; hand long work to a queue.`
            : `Set it where ${service.name} is configured${service.configFiles.length === 0 ? '' : ` (${service.configFiles.join(', ')})`}, below the time that nginx waits, and restart the service.${waits}`,
        commands: service.unit === undefined ? [] : [`systemctl cat ${service.unit}`, `journalctl -u ${service.unit} -n 80 --no-pager`],
      },
    ],
    validate: [],
    verify: 'No new line of the watchdog stands in the log of the backend.',
  };
}
