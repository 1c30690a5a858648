import { existsSync, readFileSync, readdirSync } from 'node:fs';
import type { Command } from 'commander';
import { BadhopError } from '../../core/model/error.ts';
import { writeOut } from '../output.ts';
import type { CommandContext } from '../command-context.ts';
import { packageFolder } from '../package-folder.ts';

const faultPages = new URL('docs/faults/', packageFolder);
const lintPages = new URL('docs/lint/', packageFolder);
const tracePage = new URL('docs/trace.md', packageFolder);

/** `badhop explain`: the page of a fault or of a lint rule, both where they share an id, or the list of all. */
export function addExplain(program: Command, context: CommandContext): Command {
  return program
    .command('explain')
    .description('print what a fault or a lint rule means, how badhop knows it and what to do')
    .argument('[fault]', 'its id; without it, the list of all')
    .action(async (id: string | undefined) => {
      const ids = listPages();
      await writeOut(id === undefined ? listText(ids) : pageText(id, ids));
      context.finish(0);
    });
}

function pageText(id: string, ids: readonly string[]): string {
  const wanted = id.toLowerCase().trim();
  if (ids.includes(wanted)) return readPages(wanted).join('\n');
  const section = traceSection(wanted);
  if (section !== undefined) return section;
  const near = nearIds(wanted, ids);
  const hint = near.length > 0 ? `Did you mean ${near.join(', ')}?` : '`badhop explain` lists all of them.';
  throw new BadhopError('usage', `there is no fault '${id}', and no lint rule`, { hint });
}

function listText(ids: readonly string[]): string {
  const width = Math.max(0, ...ids.map(id => id.length));
  return ids.map(id => `${id.padEnd(width)}  ${titleOf(id, readPages(id)[0] ?? '')}\n`).join('');
}

/** The first heading, without the id that it may start with. */
function titleOf(id: string, page: string): string {
  const heading = page.split('\n').find(text => text.startsWith('# ')) ?? '';
  const title = heading.slice(2).replaceAll('`', '').trim();
  return title.startsWith(id) ? title.slice(id.length).replace(/^[\s:—–-]+/u, '') : title;
}

function listPages(): readonly string[] {
  try {
    return [...new Set([faultPages, lintPages].flatMap(folder => readdirSync(folder)))]
      .filter(name => /^[a-z0-9-]+\.md$/.test(name))
      .map(name => name.slice(0, -3))
      .sort();
  } catch (error) {
    throw new BadhopError('internal', 'the pages of the fault catalogue are missing from this installation', { cause: error });
  }
}

/** What `badhop trace` alone finds has a section of its page. */
function traceSection(id: string): string | undefined {
  if (!existsSync(tracePage)) return undefined;
  const sections = readFileSync(tracePage, 'utf8').split(/^### /m);
  const section = sections.find(text => text.startsWith(`${id}\n`));
  return section === undefined ? undefined : `# ${section.trimEnd()}\n`;
}

/** The fault's page first. */
function readPages(id: string): readonly string[] {
  return [faultPages, lintPages]
    .map(folder => new URL(`${id}.md`, folder))
    .filter(page => existsSync(page))
    .map(page => {
      const text = readFileSync(page, 'utf8');
      return text.endsWith('\n') ? text : `${text}\n`;
    });
}

/** Ids that hold the word or are a few typing errors away, the nearest first; at most three. */
function nearIds(wanted: string, ids: readonly string[]): readonly string[] {
  return ids
    .map(id => ({ id, distance: wanted.length > 2 && id.includes(wanted) ? 0 : editDistance(wanted.slice(0, 64), id) }))
    .filter(({ id, distance }) => distance <= Math.max(2, Math.floor(id.length / 3)))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ id }) => id);
}

function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [i, char] of Array.from(from).entries()) {
    const next = [i + 1];
    for (let j = 1; j <= to.length; j++) {
      const swap = (row[j - 1] ?? 0) + (to[j - 1] === char ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
