import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collectors } from '../src/core/collectors/index.ts';
import { derivations } from '../src/core/derive/index.ts';
import { diagnose } from '../src/core/engine.ts';
import { faults } from '../src/core/faults/index.ts';
import { fixes } from '../src/core/fixes/index.ts';
import type { Report } from '../src/core/model/report.ts';
import { renderJson } from '../src/core/reporters/json.ts';
import { renderTerminal } from '../src/core/reporters/terminal.ts';
import { openBundle } from '../src/node/hosts/bundle.ts';
import { redactText } from '../src/node/redact/redact.ts';
import { damagedHost, damagedProber, damages, type Damage } from './damaged-host.ts';
import { filesBelow } from './source-files.ts';

/**
 * Recorded hosts of which much cannot be read, comes cut or comes as rubbish. Whatever is missing: the diagnosis ends,
 * does not fail inside, and confirms nothing that the whole host does not confirm.
 */
const bundles = filesBelow('test/scenarios', 'bundle.json').map(path => path.slice(0, path.lastIndexOf('/')));
const runsOfEach = Math.max(40, Math.floor(240 / Math.max(1, bundles.length)));

describe('a recorded host of which much is damaged', () => {
  it('is there', () => {
    expect(bundles.length).toBeGreaterThan(0);
  });

  it.each(bundles)(
    '%s',
    async folder => {
      const whole = await diagnoseDamaged(folder, { seed: 0, percent: 0 });
      expect(whole.internalErrors).toEqual([]);
      const allowed = new Set(confirmed(whole));
      const check = async (damage: Damage): Promise<void> => {
        const report = await diagnoseDamaged(folder, damage);
        expect(report.internalErrors).toEqual([]);
        expect(confirmed(report).filter(fault => !allowed.has(fault))).toEqual([]);
        // Too little to go by is inconclusive; it is never well.
        if (whole.verdict === 'failing') expect(report.verdict).not.toBe('healthy');
        expect(renderJson(report)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
        expect(renderTerminal(report, { width: 80, colour: false, unicode: true, verbose: true })).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
      };
      await fc.assert(fc.asyncProperty(damages, check), { seed: 20_261_121, numRuns: runsOfEach });
    },
    120_000,
  );
});

function confirmed(report: Report): string[] {
  return report.findings.filter(finding => finding.confidence === 'confirmed').map(finding => finding.fault);
}

async function diagnoseDamaged(folder: string, damage: Damage): Promise<Report> {
  const { host, prober, meta } = await openBundle(folder);
  return diagnose({
    host: damagedHost(host, damage),
    prober: damagedProber(prober, damage),
    collectors,
    derivations,
    faults,
    fixes,
    version: '0.0.0',
    ...(meta.windowMs === undefined ? {} : { sinceMs: meta.windowMs }),
    redact: redactText,
    monotonicMs: () => performance.now(),
    sleep: () => Promise.resolve(),
  });
}
