import { parseArgs } from 'node:util';
import { labObstacles } from './available.ts';
import { hostLimit } from './host.ts';
import { lookedAt } from './looks.ts';
import { runScenario } from './runner.ts';
import type { RunnerResult } from './runner.ts';
import type { Scenario } from './scenario.ts';
import { allScenarios, matching } from './scenarios.ts';
import { destroyHost, records, releaseSlots, removeEmptyLabFolder, removeStaleHosts } from './state.ts';

const USAGE = `npm run lab -- [options] NAME…      plays scenarios on real hosts; NAME may hold *

  --all             every scenario
  --list            what there is
  --keep            leave the host running, broken, and say how to look around
  --stop            end hosts that were kept, and remove what crashed runs left
  --apply           let badhop carry the plans out itself, and take them back
  --no-diagnose     only set-up, break, symptom and repair
  --source          run badhop from src instead of dist
  --looks N         look at the broken host N times more, and count what badhop says; expect nothing
  --record          store a bundle of the broken host under test/scenarios/NAME
  --verbose         say each step`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      all: { type: 'boolean' },
      list: { type: 'boolean' },
      keep: { type: 'boolean' },
      stop: { type: 'boolean' },
      apply: { type: 'boolean' },
      'no-diagnose': { type: 'boolean' },
      source: { type: 'boolean' },
      record: { type: 'boolean' },
      looks: { type: 'string' },
      verbose: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.stop) {
    const kept = records();
    for (const record of kept) if (!record.byRunner) destroyHost(record.name);
    removeStaleHosts();
    releaseSlots();
    removeEmptyLabFolder();
    print(`${kept.filter(record => !record.byRunner).length} kept hosts ended.`);
    return 0;
  }
  const scenarios = await allScenarios();
  if (values.list) {
    for (const { name, kind, title } of scenarios) print(`${name.padEnd(42)} ${kind.padEnd(8)} ${title}`);
    return 0;
  }
  const chosen = values.all ? scenarios : matching(scenarios, positionals);
  if (values.help || chosen.length === 0) {
    print(positionals.length > 0 ? `No scenario is called ${positionals.join(' ')}; --list names them.` : USAGE);
    return values.help ? 0 : 2;
  }
  const obstacles = await labObstacles();
  if (obstacles.length > 0) {
    for (const obstacle of obstacles) print(obstacle);
    return 2;
  }
  const options = {
    diagnose: !values['no-diagnose'],
    keep: values.keep ?? false,
    record: values.record ?? false,
    fromSource: values.source ?? false,
    apply: values.apply ?? false,
  };
  const looks = Number(values.looks ?? 0) || 0;
  const results: RunnerResult[] = [];
  const queue = chosen.filter(scenario => {
    const obstacle = scenario.obstacle?.();
    if (obstacle !== undefined) print(`skipped ${scenario.name}: ${obstacle}`);
    return obstacle === undefined;
  });
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const scenario: Scenario = looks > 0 ? lookedAt(next, looks, print) : next;
      const onStep = (step: string): void => (values.verbose ? print(`${scenario.name}: ${step} …`) : undefined);
      const result = await runScenario(scenario, { ...options, onStep });
      results.push(result);
      print(describe(result));
    }
  };
  await Promise.all(Array.from({ length: options.keep ? 1 : Math.min(hostLimit(), chosen.length) }, worker));
  const failed = results.filter(result => result.failure !== undefined);
  if (results.length > 1) print(`\n${results.length - failed.length} of ${results.length} scenarios went as expected.`);
  return failed.length > 0 ? 1 : 0;
}

function describe({ scenario, failure, times, report, maxMiB, host, traffic, slow = [] }: RunnerResult): string {
  const total = Object.values(times).reduce((sum, ms) => sum + ms, 0);
  const steps = Object.entries(times).filter(([, ms]) => ms >= 1);
  const first = report?.findings[0];
  return [
    `${failure === undefined ? 'ok    ' : 'FAILED'} ${scenario.name}  ${(total / 1000).toFixed(1)} s  (${steps.map(([step, ms]) => `${step} ${ms}`).join(', ')} ms)`,
    ...(first ? [`       ${report.verdict}: ${first.fault} ${first.confidence} ${first.status}, explains ${Math.round(first.share * 100)} %`] : []),
    ...(maxMiB === undefined ? [] : [`       badhop held ${Math.round(maxMiB)} MiB`]),
    ...(traffic ? [`       users saw ${JSON.stringify(traffic.counts)}`] : []),
    ...slow.map(what => `       ${what}`),
    ...(failure === undefined ? [] : [failure.replace(/^/gm, '       ')]),
    ...(host ? [`       The host is still running. Look around:\n         ${host.recipe}\n       End it: npm run lab -- --stop`] : []),
  ].join('\n');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

process.exitCode = await main();
