import { expect, it } from 'vitest';
import { fingerprintsPage } from '../scripts/fingerprints-page.ts';
import { textOf } from './source-files.ts';

it('docs/fingerprints.md shows what badhop makes of the recorded answers today', () => {
  const page = textOf('docs/fingerprints.md');
  const [first = ''] = page.split('\n');
  expect(page, 'run `npm run generate`').toBe(fingerprintsPage(process.cwd(), first.replace(/^<!-- | -->$/g, '')));
});
