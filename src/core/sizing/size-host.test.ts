import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { factsOf, mebibyte, nowMs, sized, type TestPool } from './testing.ts';

const host = { totalMiB: 8192, availableMiB: 4096 };

describe('a pool under load', () => {
  it('fits where it has workers to spare and memory bears them', () => {
    const { verdict, pool } = sized(factsOf(host, [{ name: 'www', limit: 10, pssMiB: 40, busy: 2, log: [3.2, 900] }]));
    expect(verdict).toBe('fits');
    expect(pool).toMatchObject({ verdict: 'fits', now: { value: 10 }, recommended: 10, memory: { how: 'PSS', meanBytes: 40 * mebibyte } });
    // (4096 − 819 + 4 × 40) / 40
    expect(pool.sums[0]).toBe('this host bears (4.0 GiB available − 819 MiB reserve + 160 MiB held by workers) / 40 MiB each by PSS = 85');
  });

  it('is too small where all are busy and requests wait', () => {
    const { verdict, pool } = sized(factsOf(host, [{ name: 'www', limit: 4, pssMiB: 40, busy: 4, queue: [6, 7, 6] }]));
    expect(verdict).toBe('change');
    expect(pool).toMatchObject({ verdict: 'too-small', recommended: 14 });
  });

  it('is too small where its log said so, though it is quiet now', () => {
    const { pool } = sized(factsOf(host, [{ name: 'www', limit: 4, pssMiB: 40, busy: 1, saidFull: 3 }]));
    expect(pool).toMatchObject({ verdict: 'too-small', because: expect.stringContaining('3 times') });
  });

  it('is left alone where its log said so before it was started with another number', () => {
    const started = { serviceId: 'php-fpm:www', kind: 'started', timeMs: nowMs - 1000, text: '', source: '' };
    const full = { ...started, kind: 'pool-full', timeMs: nowMs - 5000 };
    expect(sized(factsOf(host, [{ name: 'www', limit: 8, pssMiB: 40 }], { 'backend-events': [full, started] })).verdict).toBe('fits');
  });

  it('is too small where the log shows far more at once than it has workers', () => {
    const { pool } = sized(factsOf(host, [{ name: 'www', limit: 4, pssMiB: 40, log: [12, 5000] }]));
    expect(pool).toMatchObject({ verdict: 'too-small', recommended: 15 });
  });

  it('gets no more than memory bears, and is told so', () => {
    const { pool } = sized(factsOf({ totalMiB: 2048, availableMiB: 400 }, [{ name: 'www', limit: 4, pssMiB: 50, busy: 4, queue: [40, 40, 40] }]));
    expect(pool).toMatchObject({ verdict: 'too-small', recommended: 6 });
    const none = sized(factsOf({ totalMiB: 2048, availableMiB: 220 }, [{ name: 'www', limit: 4, pssMiB: 50, busy: 4, queue: [40, 40, 40] }]));
    expect(none.pool).toMatchObject({ verdict: 'memory-bound', recommended: 4 });
    expect(none.verdict).toBe('change');
  });

  it('is told that more workers will not help where all of them compute', () => {
    const { pool } = sized(factsOf(host, [{ name: 'www', manager: 'static', limit: 4, pssMiB: 40, busy: 4, queue: [6, 7, 6], cpuMs: 1100 }]));
    expect(pool).toMatchObject({ verdict: 'cpu-bound', recommended: 4, plans: [] });
  });
});

describe('memory', () => {
  it('is too little for what the pools may grow to', () => {
    const report = sized(factsOf({ totalMiB: 2048, availableMiB: 900 }, [{ name: 'www', limit: 50, pssMiB: 60, busy: 2, log: [3, 100] }]));
    expect(report).toMatchObject({ verdict: 'change', pool: { verdict: 'too-large' } });
    expect((report.pool.recommended ?? 0) * 60).toBeLessThanOrEqual(900 + 240 - 256);
    expect(report.pool.recommended).toBe(14);
  });

  it('is too little for workers at work, though they hold little between two requests', () => {
    const quiet: TestPool = { name: 'www', limit: 50, pssMiB: 5, busy: 0, log: [3, 100] };
    expect(sized(factsOf({ totalMiB: 2048, availableMiB: 900 }, [quiet])).verdict).toBe('fits');
    const grown = [1001, 1002, 1003, 1004].map(pid => ({ pid, pssBytes: 5 * mebibyte, shrunkBytes: 55 * mebibyte }));
    const { pool } = sized(factsOf({ totalMiB: 2048, availableMiB: 900 }, [quiet], { 'process-details': grown }));
    expect(pool).toMatchObject({ verdict: 'too-large', recommended: 11, memory: { meanBytes: 5 * mebibyte, inWorkBytes: 60 * mebibyte } });
  });

  it('is shared by several pools', () => {
    const pools: TestPool[] = [
      { name: 'a', limit: 60, pssMiB: 20, busy: 2, log: [2, 100] },
      { name: 'b', limit: 30, pssMiB: 40, busy: 3, log: [3, 100] },
    ];
    const { pools: found } = sized(factsOf({ totalMiB: 2048, availableMiB: 1000 }, pools));
    expect(found.map(pool => pool.verdict)).toEqual(['too-large', 'too-large']);
    const bytes = (found[0]?.recommended ?? 0) * 20 + (found[1]?.recommended ?? 0) * 40;
    expect(bytes).toBeLessThanOrEqual(1000 + 240 - 256);
    expect(bytes).toBeGreaterThan(900);
  });

  it('is that of the control group, where this is smaller than the host', () => {
    const group = {
      folder: '/sys/fs/cgroup/shop',
      pids: [1001, 1002, 1003, 1004],
      memory: { limitBytes: 512 * mebibyte, usedBytes: 300 * mebibyte, reclaimableBytes: 50 * mebibyte, source: 'file:/x' },
    };
    const { pool, memory } = sized(factsOf(host, [{ name: 'www', limit: 20, pssMiB: 40, log: [2, 10] }], { 'control-groups': [group] }));
    // 512 − 300 + 50 + 4 × 40 − 51, by 40
    expect(pool).toMatchObject({ verdict: 'too-large', recommended: 9 });
    expect(memory?.rooms.map(room => room.kind)).toEqual(['group', 'host']);
  });

  it('is that of the unit, where systemd limits it', () => {
    const units = [{ name: 'shop.service', memoryMax: 400 * mebibyte }];
    const { pool } = sized(factsOf(host, [{ name: 'www', limit: 20, pssMiB: 40, unit: 'shop.service', log: [2, 10] }], { 'systemd-units': units }));
    expect(pool).toMatchObject({ verdict: 'too-large', recommended: 9 });
  });

  it('of one kibibyte bears not one worker, and nothing is recommended', () => {
    const group = { folder: '/g', pids: [1001, 1002, 1003, 1004], memory: { limitBytes: 1024, usedBytes: 1024, reclaimableBytes: 0, source: 'file:/x' } };
    const { pool, verdict } = sized(factsOf(host, [{ name: 'www', limit: 20, pssMiB: 40, log: [2, 10] }], { 'control-groups': [group] }));
    expect(verdict).toBe('change');
    expect(pool).toMatchObject({ verdict: 'too-large', because: expect.stringContaining('not memory for one') });
    expect(pool.recommended).toBeUndefined();
  });

  it('that could not be read leaves the question open', () => {
    expect(sized(factsOf(undefined, [{ name: 'www', limit: 20, pssMiB: 40, log: [2, 10] }]))).toMatchObject({
      verdict: 'unknown',
      pool: { verdict: 'unknown' },
    });
  });
});

describe('what cannot be told', () => {
  it('is idle where nothing was asked', () => {
    const { verdict, summary } = sized(factsOf(host, [{ name: 'www', limit: 20, pssMiB: 4, busy: 0, cpuMs: 0 }]));
    expect(verdict).toBe('unknown');
    expect(summary).toContain('idle');
  });

  it('is idle where no worker runs', () => {
    const { pool } = sized(factsOf(host, [{ name: 'www', manager: 'ondemand', limit: 20, workers: 0 }]));
    expect(pool).toMatchObject({ verdict: 'idle', running: 0 });
  });

  it('is open where resident sizes alone do not fit: shared pages count twice in them', () => {
    const report = sized(factsOf({ totalMiB: 2048, availableMiB: 900 }, [{ name: 'www', limit: 50, rssMiB: 60, busy: 2, log: [3, 100] }]));
    expect(report).toMatchObject({ verdict: 'unknown', pool: { verdict: 'unknown', memory: { how: 'RSS' } } });
    expect(report.notChecked).toContainEqual(expect.objectContaining({ how: 'run as root' }));
  });

  it('fits where even resident sizes fit', () => {
    expect(sized(factsOf(host, [{ name: 'www', limit: 10, rssMiB: 60, busy: 2, log: [3, 100] }])).verdict).toBe('fits');
  });

  it('is open where the limit is not known', () => {
    expect(sized(factsOf(host, [{ name: 'www', pssMiB: 40, log: [3, 100] }])).pool.verdict).toBe('unknown');
  });
});

describe('threads of one process', () => {
  const tomcat: TestPool = { name: 'cat', kind: 'tomcat', manager: 'threads', limit: 200, workers: 1, threads: 40, pssMiB: 600, busy: 12, log: [14, 900] };

  it('are not held against memory as long as they suffice', () => {
    expect(sized(factsOf({ totalMiB: 2048, availableMiB: 700 }, [tomcat]))).toMatchObject({
      verdict: 'fits',
      pool: { setting: 'maxThreads', recommended: 200 },
    });
  });

  it('grow by what memory bears', () => {
    const { pool } = sized(factsOf({ totalMiB: 2048, availableMiB: 700 }, [{ ...tomcat, limit: 20, busy: 20, queue: [9, 9, 9] }]));
    expect(pool).toMatchObject({ verdict: 'too-small', recommended: 40 });
  });
});

describe('whatever a host says', () => {
  const pool = fc.record(
    {
      name: fc.constantFrom('a', 'b', 'c'),
      manager: fc.constantFrom('static', 'dynamic', 'ondemand', 'prefork', 'threads', 'event-loop'),
      kind: fc.constantFrom('php-fpm', 'gunicorn', 'uwsgi', 'tomcat', 'apache', 'node', 'puma'),
      limit: fc.nat(100_000),
      workers: fc.nat(6),
      pssMiB: fc.nat(4000),
      rssMiB: fc.nat(8000),
      threads: fc.nat(500),
      busy: fc.nat(300),
      queue: fc.array(fc.nat(5000), { minLength: 1, maxLength: 4 }),
      cpuMs: fc.nat(4000),
      log: fc.tuple(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.nat(1e6)),
      saidFull: fc.nat(3),
    },
    { requiredKeys: ['name'] },
  );
  const pools = fc.uniqueArray(pool, { minLength: 1, maxLength: 3, selector: one => one.name });
  const memory = fc.record({ totalMiB: fc.integer({ min: 1, max: 1_000_000 }), share: fc.double({ min: 0, max: 1, noNaN: true }) });
  const of = ({ totalMiB, share }: { totalMiB: number; share: number }) => ({ totalMiB, availableMiB: totalMiB * share });

  it('never recommends workers over the memory there is', () => {
    fc.assert(
      fc.property(memory, pools, (given, list) => {
        const { totalMiB, availableMiB } = of(given);
        // The number of Apache's setting is one of threads, not of processes.
        const { pools: found } = sized(
          factsOf(
            { totalMiB, availableMiB },
            list.map(one => (one.kind === 'apache' ? { ...one, kind: 'php-fpm' } : one)),
          ),
        );
        const processes = found.filter(one => one.memory !== undefined && !['maxThreads', 'threads'].includes(one.setting));
        const held = processes.reduce((sum, one) => sum + (one.memory?.usedBytes ?? 0), 0);
        const claimed = processes.reduce((sum, { recommended, memory: measured, verdict }) => {
          // Nothing is said of what is not known: it goes on holding what it holds.
          if (recommended === undefined) return sum + (verdict === 'unknown' ? (measured?.usedBytes ?? 0) : 0);
          return sum + recommended * (measured?.inWorkBytes ?? 0);
        }, 0);
        expect(claimed).toBeLessThanOrEqual(Math.max(availableMiB * mebibyte + held, held) + processes.length * 1000);
      }),
    );
  });

  it('never recommends fewer where there is more memory', () => {
    fc.assert(
      fc.property(memory, fc.nat(500_000), pools, (given, more, list) => {
        const { totalMiB, availableMiB } = of(given);
        const before = sized(factsOf({ totalMiB: 2_000_000, availableMiB }, list));
        const after = sized(factsOf({ totalMiB: 2_000_000, availableMiB: availableMiB + more }, list));
        for (const [index, one] of before.pools.entries())
          if (one.recommended !== undefined) expect(after.pools[index]?.recommended).toBeGreaterThanOrEqual(one.recommended);
        expect(totalMiB).toBeGreaterThan(0);
      }),
    );
  });
});
