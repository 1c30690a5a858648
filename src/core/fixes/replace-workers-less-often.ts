import { defineFix } from '../model/fix.ts';
import { valueOr } from '../model/fact.ts';
import type { Service } from '../model/facts/backend.ts';
import type { Facts } from '../model/facts.ts';
import type { Finding, FixPlan } from '../model/finding.ts';
import { numberOf, textOf } from '../model/fix-data.ts';
import { dropInLimit, fileLimit, poolLimit, type LimitSteps } from '../model/limit-steps.ts';
import { managerLine, programOf } from '../model/program-commands.ts';
import { recycleSettingOf, type RecycleSetting } from '../model/recycling.ts';
import { commandWith } from '../model/unit-command.ts';

/** A worker is to live this long at least, at the pace of the window. */
const lifeMs = 3_600_000;
const factors = { least: 10, most: 1000 } as const;
const most = 1_000_000;
/** Part of the limit by which the workers' own limits differ, so that they do not end together. */
const jitterShare = 0.1;

/** Raises the number of requests after which a worker is replaced, and spreads the workers' ends where the server can. */
export default defineFix({
  id: 'replace-workers-less-often',
  fixes: ['worker-recycled'],
  plan(finding, facts) {
    const service = valueOr(facts.services, []).find(one => one.id === textOf(finding.fixData, 'service'));
    if (service === undefined) return undefined;
    const setting = recycleSettingOf(service, facts);
    const program = programOf(finding.fixData);
    if (program !== undefined && setting === undefined) return forMemory(program);
    if (setting === undefined) return byHand(service, undefined);
    const target = targetOf(finding, service, setting);
    const found = service.kind === 'php-fpm' ? poolLimit(service, facts, setting.name, String(target)) : commandSteps(service, facts, setting, target);
    if (found === undefined) return byHand(service, setting);
    return {
      id: 'replace-workers-less-often',
      summary: `Let a worker of ${service.name} serve ${target} requests instead of ${setting.requests}`,
      automatic: finding.confidence === 'confirmed',
      // What the limit was to hold down, mostly memory that leaks, has longer to grow.
      risk: 'medium',
      minutes: 2,
      steps: found.steps,
      validate: found.validate,
      verify: `Requests fail hardly ever, and the memory of ${service.name} stays in bounds over the next hours.`,
    };
  },
});

function targetOf(finding: Finding, service: Service, { requests }: RecycleSetting): number {
  const count = numberOf(finding.fixData, 'recycles') ?? 0;
  const spanMs = (numberOf(finding.fixData, 'lastMs') ?? 0) - (numberOf(finding.fixData, 'firstMs') ?? 0);
  const livedMs = count > 1 && spanMs > 0 ? (spanMs / (count - 1)) * Math.max(1, service.workerPids.length) : 0;
  const wanted = livedMs === 0 ? factors.least : Math.ceil(lifeMs / livedMs);
  return Math.max(requests * 2, Math.min(most, requests * Math.min(factors.most, Math.max(factors.least, wanted))));
}

function commandSteps(service: Service, facts: Facts, setting: RecycleSetting, target: number): LimitSteps | undefined {
  if (service.unit === undefined) return undefined;
  const isSpread = service.kind === 'gunicorn' && setting.jitter === undefined;
  const inFile = fileLimit(service.unit, setting.sourced, String(target), isSpread ? `\nmax_requests_jitter = ${jitterOf(target)}` : '');
  if (inFile !== undefined) return inFile;
  const unit = valueOr(facts['systemd-units'], []).find(one => one.name === service.unit);
  const main = valueOr(facts.processes, []).find(process => process.pid === service.masterPid);
  if (unit === undefined || main === undefined || setting.sourced.source.startsWith('file:')) return undefined;
  const option = service.kind === 'uvicorn' ? '--limit-max-requests' : '--max-requests';
  const words = commandWith(unit, main, [option], String(target))?.split(' ');
  const at = words?.indexOf(String(target)) ?? -1;
  if (isSpread && at > 0) words?.splice(at + 1, 0, '--max-requests-jitter', String(jitterOf(target)));
  return words === undefined ? undefined : dropInLimit(unit, 'max-requests', words.join(' '));
}

function jitterOf(target: number): number {
  return Math.max(1, Math.floor(target * jitterShare));
}

function byHand(service: Service, setting: RecycleSetting | undefined): FixPlan {
  const where = setting === undefined ? 'the program' : `${setting.name} (${setting.sourced.source})`;
  return {
    id: 'replace-workers-less-often',
    summary: `Let workers of ${service.name} finish what they work on before they end, and end less often`,
    automatic: false,
    risk: 'medium',
    minutes: 30,
    steps: [
      {
        kind: 'manual',
        text:
          setting === undefined
            ? `Nothing that badhop reads limits the workers' requests: ${where} does it itself, or what runs it (PM2's max_memory_restart, a worker killer). Raise that limit.`
            : `Raise ${where}, with a random part for each worker where the server has one, and restart the service.`,
        commands: service.unit === undefined ? [] : [`systemctl cat ${service.unit}`, `journalctl -u ${service.unit} -n 80 --no-pager`],
      },
      {
        kind: 'manual',
        text: 'A worker that ends has to stop taking connections first, answer what it has, close what is kept, and then leave (in Node: server.close(), then exit).',
        commands: [],
      },
    ],
    validate: [],
    verify: 'The next worker that is replaced leaves no line in the error log of nginx.',
  };
}

function forMemory(program: NonNullable<ReturnType<typeof programOf>>): FixPlan {
  const { name, label } = program;
  return {
    id: 'replace-workers-less-often',
    summary: `Find what makes ${label} grow, and end it without losing requests until then`,
    automatic: false,
    risk: 'medium',
    minutes: 30,
    steps: [
      {
        kind: 'manual',
        text: `See how fast ${label} grows, and what in it does: what grows without end reaches every limit.`,
        commands: [managerLine(program, 'list'), managerLine(program, 'logs', name, '--lines', '80', '--nostream')],
      },
      {
        kind: 'manual',
        text: 'Run it as a cluster of two or more: PM2 then starts the next worker before it ends the old one. A higher limit (max_memory_restart) makes the gaps rarer, where the host has the memory.',
        commands: [managerLine(program, 'describe', name)],
      },
      {
        kind: 'manual',
        text: 'Let it close its server on SIGINT, answer what it works on, and then leave.',
        commands: [],
      },
    ],
    validate: [],
    verify: 'The next restart for its memory leaves no line in the error log of nginx.',
  };
}
