import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { REPOSITORY } from './host.ts';
import type { Scenario } from './scenario.ts';

const FOLDER = join(REPOSITORY, 'lab', 'scenarios');

/** Every scenario of every file in lab/scenarios, by name. */
export async function allScenarios(): Promise<Scenario[]> {
  const files = readdirSync(FOLDER)
    .filter(file => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .sort();
  const modules = await Promise.all(files.map(async file => (await import(pathToFileURL(join(FOLDER, file)).href)) as { default?: readonly Scenario[] }));
  const scenarios = modules.flatMap((module, index) => {
    if (!Array.isArray(module.default)) throw new Error(`${files[index]} exports no list of scenarios as its default`);
    return module.default as readonly Scenario[];
  });
  const names = scenarios.map(scenario => scenario.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`two scenarios are called ${twice}`);
  return scenarios;
}

/** `*` stands for any text: `socket-*`. */
export function matching(scenarios: readonly Scenario[], patterns: readonly string[]): Scenario[] {
  const tests = patterns.map(
    pattern =>
      new RegExp(
        `^${pattern
          .split('*')
          .map(part => part.replace(/[^a-z0-9-]/gi, '\\$&'))
          .join('.*')}$`,
      ),
  );
  return scenarios.filter(scenario => tests.some(test => test.test(scenario.name)));
}
