import fc from 'fast-check';
import { absent, denied, known, timedOut, unparsable, type Known } from '../src/core/model/fact.ts';
import type { ExecResult, Host, ReadResult } from '../src/core/model/host.ts';
import { probeKey, type Prober } from '../src/core/model/probe.ts';

/** How a recorded host is damaged: answers are lost, cut, or rubbish. */
export interface Damage {
  readonly seed: number;
  /** How many answers of a hundred are damaged. */
  readonly percent: number;
}

export const damages: fc.Arbitrary<Damage> = fc.record({ seed: fc.integer({ min: 0, max: 0x7fffffff }), percent: fc.constantFrom(3, 15, 40, 75, 100) });

/** The same question is damaged in the same way in every run with this seed. */
export function damagedHost(host: Host, damage: Damage): Host {
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
export function damagedProber(prober: Prober, damage: Damage): Prober {
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
