import { expect, it } from 'vitest';
import { sampleReports } from '../core/reporters/logs/logs.fixtures/sample-reports.ts';
import { createFollowView, type FollowView } from './follow-view.ts';

const look = { width: 80, colour: false, unicode: true };
const { failing, healthy } = sampleReports;

function viewOf(isScreen: boolean, rows = 24): { readonly view: FollowView; readonly written: string[] } {
  const written: string[] = [];
  const write = (text: string): Promise<void> => Promise.resolve(void written.push(text));
  return { view: createFollowView({ isScreen, rows, verbose: false, write }, look), written };
}

it('draws a terminal anew each time, without scrolling it', async () => {
  const { view, written } = viewOf(true, 12);
  await view.show(failing);
  await view.show(failing);
  expect(written).toHaveLength(2);
  for (const text of written) {
    expect(text).toMatch(/^\u001B\[H\u001B\[2J✗ FAILING/);
    expect(text.split('\n').length).toBeLessThan(12);
  }
});

it('leaves all of the report on the terminal in the end', async () => {
  const { view, written } = viewOf(true, 12);
  await view.end(failing);
  expect(written[0]).toContain('More with --verbose');
});

it('appends a row elsewhere whenever something came, and the report in the end', async () => {
  const { view, written } = viewOf(false);
  await view.show(healthy);
  await view.show(healthy);
  expect(written).toEqual(['06:00:00  954,820 requests\n']);
  await view.end(healthy);
  expect(written[1]).toMatch(/^\n✓ HEALTHY/);
});
