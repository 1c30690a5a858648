import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collectors } from '../src/core/collectors/index.ts';
import { derivations } from '../src/core/derive/index.ts';
import { collectFacts } from '../src/core/engine.ts';
import { fixes } from '../src/core/fixes/index.ts';
import type { SizeReport } from '../src/core/model/size-report.ts';
import { jsonText } from '../src/core/reporters/json.ts';
import { renderSizing } from '../src/core/reporters/sizing.ts';
import { sizeHost, sizingFacts } from '../src/core/sizing/size-host.ts';
import { openBundle } from '../src/node/hosts/bundle.ts';
import { damagedHost, damages, type Damage } from './damaged-host.ts';
import { sizeSchemaProblems } from './report-schema.ts';
import { filesBelow } from './source-files.ts';

/** Whatever cannot be read of a recorded host: the sizing ends, does not fail inside, and calls nothing too large that fits. */
const bundles = filesBelow('test/scenarios', 'bundle.json').map(path => path.slice(0, path.lastIndexOf('/')));

describe('a sizing of a host of which much is damaged', () => {
  it.each(bundles)(
    '%s',
    async folder => {
      const whole = await sizeDamaged(folder, { seed: 0, percent: 0 });
      expect(sizeSchemaProblems(whole)).toEqual([]);
      const tooLarge = new Set(whole.pools.filter(pool => pool.verdict === 'too-large').map(pool => pool.service));
      const check = async (damage: Damage): Promise<void> => {
        const report = await sizeDamaged(folder, damage);
        expect(report.internalErrors).toEqual([]);
        expect(sizeSchemaProblems(report)).toEqual([]);
        expect(report.pools.filter(pool => pool.verdict === 'too-large' && !tooLarge.has(pool.service))).toEqual([]);
        expect(jsonText(report)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
        expect(renderSizing(report, { width: 60, colour: false, unicode: true, verbose: true })).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
      };
      await fc.assert(fc.asyncProperty(damages, check), { seed: 20_261_121, numRuns: 25 });
    },
    120_000,
  );
});

async function sizeDamaged(folder: string, damage: Damage): Promise<SizeReport> {
  const { host, meta } = await openBundle(folder);
  const collected = await collectFacts(
    {
      host: damagedHost(host, damage),
      prober: undefined,
      collectors,
      derivations,
      ...(meta.windowMs === undefined ? {} : { sinceMs: meta.windowMs }),
      monotonicMs: () => performance.now(),
      sleep: () => Promise.resolve(),
    },
    sizingFacts,
  );
  return sizeHost({ ...collected, fixes, titles: new Map(), hostName: host.name, version: '0.0.0' });
}
