import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collectors } from '../src/core/collectors/index.ts';
import { derivations } from '../src/core/derive/index.ts';
import { diagnose } from '../src/core/engine.ts';
import { faults } from '../src/core/faults/index.ts';
import { fixes } from '../src/core/fixes/index.ts';
import { absent, denied, known, timedOut, unparsable, type Known } from '../src/core/model/fact.ts';
import type { ExecResult, Host, ReadResult } from '../src/core/model/host.ts';
import { probeKey, type Prober } from '../src/core/model/probe.ts';
import type { Report } from '../src/core/model/report.ts';
import { renderJson } from '../src/core/reporters/json.ts';
import { renderTerminal } from '../src/core/reporters/terminal.ts';
import { openBundle } from '../src/node/hosts/bundle.ts';
import { redactText } from '../src/node/redact/redact.ts';
import { filesBelow } from './source-files.ts';

/**
 * Recorded hosts of which much cannot be read, comes cut or comes as rubbish. Whatever is missing: the diagnosis ends,
 * does not fail inside, and confirms nothing that the whole host does not confirm.
 */
const bundles = filesBelow('test/scenarios', 'bundle.json').map(path => path.slice(0, path.lastIndexOf('/')));
const runsOfEach = Math.max(40, Math.floor(240 / Math.max(1, bundles.length)));

interface Damage {
  readonly seed: number;
  /** How many answers of a hundred are damaged. */
  readonly percent: number;
}

const damages: fc.Arbitrary<Damage> = fc.record({ seed: fc.integer({ min: 0, max: 0x7fffffff }), percent: fc.constantFrom(3, 15, 40, 75, 100) });

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

/** The same question is damaged in the same way in every run with this seed. */
function damagedHost(host: Host, damage: Damage): Host {
  return {
    ...host,
    exec: async (argv, options) => {
      const random = randomFor(damage, `exec ${argv.join(' ')}`);
      const answer = await host.exec(argv, options);
      if (!random.hits()) return answer;
      const program = argv[0] ?? '';
      const lost = pick<Known<ExecResult>>(random.next(), [
        absent(`${program} is not installed`),
        denied(`${program} may not be run by this user`),
        timedOut(`${program} did not end within 5 s`),
        known({ stdout: '', stderr: '', code: -1, truncated: false }),
        known({ stdout: '', stderr: '', code: 0, truncated: false }),
      ]);
      if (answer.state !== 'known' || random.next() < 0.5) return lost;
      const { stdout, stderr } = answer.value;
      if (random.next() < 0.5) return known({ stdout: stdout.slice(0, Math.floor(random.next() * stdout.length)), stderr, code: -1, truncated: true });
      return known({ stdout: rubbish(random), stderr: '', code: 0, truncated: false });
    },
    read: async (path, options) => {
      const random = randomFor(damage, `read ${path}`);
      const answer = await host.read(path, options);
      if (!random.hits()) return answer;
      if (answer.state !== 'known' || random.next() < 0.5) return lostFile<ReadResult>(path, random);
      const { bytes, size } = answer.value;
      // A configuration of rubbish, or half of one, would be a fault of the host's own.
      if (path.startsWith('/etc/')) return lostFile<ReadResult>(path, random);
      if (random.next() < 0.5) return known({ bytes: bytes.subarray(0, Math.floor(random.next() * bytes.length)), size, atEnd: false });
      return known({ bytes: new TextEncoder().encode(rubbish(random)), size, atEnd: true });
    },
    stat: async path => (randomFor(damage, `stat ${path}`).hits() ? lostFile(path, randomFor(damage, `how ${path}`)) : host.stat(path)),
    list: async path => (randomFor(damage, `list ${path}`).hits() ? lostFile(path, randomFor(damage, `how ${path}`)) : host.list(path)),
  };
}

/** An answer that is not there says nothing of the peer; one that times out would. */
function damagedProber(prober: Prober, damage: Damage): Prober {
  return async request => {
    if (!randomFor(damage, probeKey(request)).hits()) return prober(request);
    return { request, outcome: { state: 'not-asked', why: 'there was no time' }, connectMs: 0, ms: 0 };
  };
}

/** Never "absent": that a file is not there can be a fault of the host's own. */
function lostFile<T>(path: string, random: Random): Known<T> {
  return pick<Known<T>>(random.next(), [
    denied(`${path}: permission denied`, `Run as root to read ${path}.`),
    timedOut(`${path}: the file system did not answer`),
    unparsable(`${path} could not be read: EIO`),
  ]);
}

function rubbish(random: Random): string {
  const pieces = [
    '\u001B[2J',
    '\0\0',
    '\n',
    ' ',
    '{',
    '}',
    '"',
    'é\uFFFD',
    '999999999999999999999',
    '-1',
    '=',
    ':',
    '[',
    'users:((',
    'null',
    ';',
    '\t',
    '\r\n',
    'x'.repeat(300),
  ];
  return Array.from({ length: 5 + Math.floor(random.next() * 300) }, () => pick(random.next(), pieces)).join('');
}

interface Random {
  next(): number;
  hits(): boolean;
}

/** FNV-1a of seed and key, then a linear congruence: small, and the same everywhere. */
function randomFor({ seed, percent }: Damage, key: string): Random {
  let state = (seed ^ 0x811c9dc5) >>> 0;
  for (let at = 0; at < key.length; at += 1) state = Math.imul(state ^ key.charCodeAt(at), 0x01000193) >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x1_0000_0000;
  };
  next();
  return { next, hits: () => next() * 100 < percent };
}

function pick<T>(at: number, choices: readonly T[]): T {
  const choice = choices[Math.floor(at * choices.length)];
  if (choice === undefined) throw new Error('nothing to choose from');
  return choice;
}
