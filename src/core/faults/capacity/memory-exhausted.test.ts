import { describe, expect, it } from 'vitest';
import { detections, symptomOf } from '../backend/testing.ts';
import fault from './memory-exhausted.ts';

const mebibyte = 2 ** 20;
const run = (availableMiB: number, pressure: number | undefined, symptom = symptomOf('read-timeout'), swapFreeMiB = 0) =>
  detections(fault, {
    symptoms: [symptom],
    resources: {
      memory: { totalBytes: 8192 * mebibyte, availableBytes: availableMiB * mebibyte, swapTotalBytes: 1024 * mebibyte, swapFreeBytes: swapFreeMiB * mebibyte },
      ...(pressure === undefined ? {} : { pressure: { memory: { someAvg10: pressure, fullAvg10: 0 } } }),
      disks: [],
      sysctl: {},
      netCounters: {},
      netCounterGrowth: {},
    },
  });

describe('memory-exhausted', () => {
  it('fires where little is left and everything waits for memory', () => {
    expect(run(90, 62)).toMatchObject([{ confidence: 'likely', status: 'active', data: { available: 90, total: 8192 } }]);
  });

  it('fires with doubt where the kernel does not measure the wait and the swap is full too', () => {
    expect(run(90, undefined)).toMatchObject([{ confidence: 'possible' }]);
  });

  it('is silent where memory is full and nobody waits for it', () => {
    expect(run(90, 3)).toEqual([]);
    expect(run(90, undefined, symptomOf('read-timeout'), 900)).toEqual([]);
  });

  it('is silent where there is memory, however high the pressure', () => {
    expect(run(4000, 62)).toEqual([]);
  });

  it('is silent where requests do not fail by waiting, or did so before', () => {
    expect(run(90, 62, symptomOf('connect-refused'))).toEqual([]);
    expect(run(90, 62, symptomOf('read-timeout', { ongoing: false }))).toEqual([]);
  });
});
