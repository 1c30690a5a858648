import { expect, it } from 'vitest';
import { fingerprintsPage } from '../scripts/fingerprints-page.ts';
import { products } from '../src/core/fingerprints/products/index.ts';
import { textOf } from './source-files.ts';

it('docs/fingerprints.md shows what badhop makes of the recorded answers today', () => {
  const page = textOf('docs/fingerprints.md');
  const [first = ''] = page.split('\n');
  expect(page, 'run `npm run generate`').toBe(fingerprintsPage(process.cwd(), first.replace(/^<!-- | -->$/g, '')));
});

it('advises commands of badhop that there are, with options that they have', () => {
  const reference = textOf('docs/cli.md');
  const commands = products.flatMap(({ meanings }) => meanings.flatMap(({ causes }) => causes.flatMap(({ command }) => command ?? [])));
  const own = commands.flatMap(command => /\bbadhop (.*)$/.exec(command)?.[1] ?? []);
  expect(own.length).toBeGreaterThan(10);
  const wrong = own.filter(text => {
    const [first = ''] = text.split(' ');
    const options = text.split(' ').filter(word => word.startsWith('-'));
    const isThere = first.startsWith('-') || reference.includes(`\n## badhop ${first}\n`);
    return !isThere || options.some(option => !reference.includes(`${option} `));
  });
  expect(wrong).toEqual([]);
});
