import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { labObstacles } from '../lab/available.ts';
import { hostLimit, REPOSITORY } from '../lab/host.ts';
import { machineKind, readRecords, recordOf } from '../lab/results.ts';
import type { ScenarioRecord } from '../lab/results.ts';
import { runScenario } from '../lab/runner.ts';
import type { Scenario } from '../lab/scenario.ts';
import { allScenarios, matching } from '../lab/scenarios.ts';
import { faults } from '../src/core/faults/index.ts';
import { exitCodeOf, scoreOf, totalsOf } from './accuracy-score.ts';
import { accuracyPage, scoreboard, summary } from './accuracy-table.ts';
import { appliedPartOf, appliedSection } from './applied-table.ts';

/** Plays the lab's scenarios, or reads what a run of the tests has left, and counts how often badhop is right. */
const usage = `npm run bench:accuracy -- [options] [NAME…]   every scenario, or those of these names; NAME may hold *

  --jobs N      hosts at once; default and most: what the lab allows
  --source      run badhop from src instead of dist
  --apply       let badhop carry the plans out itself, and take them back: of the scenarios that have one; the results go into docs/accuracy.md
  --from FILE   play nothing; count what \`BADHOP_LAB_RESULTS=FILE npm test\` has left
  --out FILE    write the results as JSON
  --doc FILE    write the page there; default docs/accuracy.md, and only where every scenario was played

Ends with 1 where badhop was sure and wrong, with 2 where a scenario could not be judged.`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      jobs: { type: 'string' },
      source: { type: 'boolean' },
      apply: { type: 'boolean' },
      from: { type: 'string' },
      out: { type: 'string' },
      doc: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  const jobs = values.jobs === undefined ? hostLimit() : Number(values.jobs);
  const scenarios = (await allScenarios()).filter(({ diagnosedBy }) => diagnosedBy === undefined);
  const chosen = positionals.length > 0 ? matching(scenarios, positionals) : scenarios.filter(({ fix }) => values.apply !== true || fix !== undefined);
  if (values.help) {
    console.log(usage);
    return 0;
  }
  if (!Number.isInteger(jobs) || jobs < 1) return refuse('--jobs takes a whole number from 1.');
  if (chosen.length === 0) return refuse(`No scenario is called ${positionals.join(' ')}; npm run lab -- --list names them.`);

  const records =
    values.from === undefined
      ? await play(chosen, Math.min(jobs, hostLimit()), { fromSource: values.source ?? false, apply: values.apply ?? false })
      : readOr(values.from);
  if (typeof records === 'string') return refuse(records);
  const leadsTo = new Map(faults.map(({ meta }) => [meta.id, meta.leadsTo]));
  const counted = chosen.flatMap(scenario => {
    const record = records.get(scenario.name);
    return record === undefined ? [] : [{ record, score: scoreOf(scenario, record, leadsTo) }];
  });
  const scores = counted.map(({ score }) => score);
  const totals = totalsOf(scores, leadsTo);
  const circumstances = {
    machines: [...new Set(counted.map(({ record }) => record.machine))].sort(),
    days: [...new Set(counted.map(({ record }) => record.at.slice(0, 10)))].sort(),
  };

  console.log(`${scoreboard(scores)}\n\n${summary(totals)}`);
  if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify({ ...circumstances, totals, scenarios: counted }, undefined, 2)}\n`);
  const page = join(REPOSITORY, 'docs', 'accuracy.md');
  if (values.apply === true && positionals.length === 0) {
    writeFileSync(page, withApplied(readFileSync(page, 'utf8'), appliedSection([...records.values()], circumstances.days)));
    return exitCodeOf(totals, chosen.length);
  }
  const doc = values.doc ?? (counted.length === scenarios.length ? page : undefined);
  if (doc !== undefined)
    writeFileSync(doc, accuracyPage(scores, totals, circumstances, existsSync(doc) ? appliedPartOf(readFileSync(doc, 'utf8')) : undefined));
  else console.error(`docs/accuracy.md stays as it is: ${counted.length} of ${scenarios.length} scenarios were played.`);
  for (const { scenario, confidentlyWrong } of scores) {
    if (confidentlyWrong.length > 0) console.error(`${scenario}: badhop is sure of ${confidentlyWrong.join(' and ')}, and it is not so.`);
  }
  for (const { scenario, failedAt } of scores.filter(score => !score.isJudged))
    console.error(`${scenario} could not be judged: it failed at ${failedAt ?? 'its start'}.`);
  for (const { name } of chosen.filter(scenario => !records.has(scenario.name))) console.error(`${name} was not played.`);
  return exitCodeOf(totals, chosen.length);
}

/** The page with another part about changes. */
function withApplied(page: string, section: string): string {
  const before = appliedPartOf(page);
  return before === undefined ? page.replace('## Every scenario', () => `${section}\n## Every scenario`) : page.replace(before, () => section);
}

/** By name of the scenario; or why the lab cannot run, as a sentence. */
async function play(
  scenarios: readonly Scenario[],
  jobs: number,
  { fromSource, apply }: { readonly fromSource: boolean; readonly apply: boolean },
): Promise<ReadonlyMap<string, ScenarioRecord> | string> {
  const obstacles = await labObstacles();
  if (!fromSource && !existsSync(join(REPOSITORY, 'dist', 'cli', 'bin.js'))) obstacles.push('The program is not built: run npm run build.');
  if (obstacles.length > 0) return `The benchmark runs on lab hosts. ${obstacles.join(' ')}`;
  const machine = machineKind();
  const records = new Map<string, ScenarioRecord>();
  const queue = scenarios.filter(scenario => {
    const obstacle = scenario.obstacle?.();
    if (obstacle !== undefined) console.error(`${scenario.name} cannot be played here: ${obstacle}`);
    return obstacle === undefined;
  });
  const worker = async (): Promise<void> => {
    for (let scenario = queue.shift(); scenario !== undefined; scenario = queue.shift()) {
      const played = await runScenario(scenario, { fromSource, apply });
      const record = recordOf(played, new Date(), machine);
      records.set(record.scenario, record);
      const outcome = played.failure === undefined ? 'ok    ' : 'FAILED';
      console.error(`${records.size}/${scenarios.length} ${outcome} ${record.scenario}  ${record.seconds.toFixed(1)} s`);
      if (played.failure !== undefined) console.error(played.failure.replace(/^/gm, '       '));
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, scenarios.length) }, worker));
  return records;
}

function readOr(path: string): ReadonlyMap<string, ScenarioRecord> | string {
  try {
    return readRecords(path);
  } catch (error) {
    return `The results cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function refuse(why: string): number {
  console.error(why);
  return 2;
}

process.exitCode = await main();
