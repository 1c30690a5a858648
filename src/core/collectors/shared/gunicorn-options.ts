import { askAll } from '../../model/collector.ts';
import type { Request } from '../../model/collector.ts';
import type { Known } from '../../model/fact.ts';
import type { SystemdUnit } from '../../model/facts/system.ts';
import { splitWords } from '../../parsers/backend-command.ts';
import { readBackendOptions, type Values } from '../../parsers/backend-options.ts';
import { textOf } from './answers.ts';

const variable = 'GUNICORN_CMD_ARGS=';
const mostUnits = 50;

/**
 * Options that units' own files hand to gunicorn in GUNICORN_CMD_ARGS, by the unit's name. They count before its
 * configuration file and after its command line. Nothing else of an environment is looked at.
 */
export function* gunicornOptions(units: readonly SystemdUnit[]): Generator<readonly Request[], ReadonlyMap<string, Values>, readonly Known<unknown>[]> {
  const files = units.slice(0, mostUnits).map(unit => [...(unit.fragmentPath === undefined ? [] : [unit.fragmentPath]), ...unit.dropIns].slice(0, 20));
  const paths = [...new Set(files.flat())].filter(path => path.startsWith('/'));
  const answers = yield* askAll(paths.map(path => ({ kind: 'read', path, options: { limit: 65_536 } }) as const));
  const texts = new Map(paths.map((path, index) => [path, textOf(answers[index]) ?? '']));
  const found = new Map<string, Values>();
  for (const [index, unit] of units.slice(0, mostUnits).entries()) {
    const given = (files[index] ?? []).flatMap(path => assignments(texts.get(path) ?? '', path)).at(-1);
    if (given !== undefined) found.set(unit.name, readBackendOptions('gunicorn', splitWords(given.args), given.source).values);
  }
  return found;
}

/** An empty `Environment=` takes back what came before. */
function assignments(text: string, path: string): readonly { readonly args: string; readonly source: string }[] {
  return text.split('\n', 5000).flatMap((full, index) => {
    const line = full.trim();
    if (!line.startsWith('Environment=')) return [];
    const source = `file:${path}:${index + 1}`;
    const rest = line.slice('Environment='.length).trim();
    if (rest === '') return [{ args: '', source }];
    const word = splitWords(rest).findLast(one => one.startsWith(variable));
    return word === undefined ? [] : [{ args: word.slice(variable.length), source }];
  });
}
