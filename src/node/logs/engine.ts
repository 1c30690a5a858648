import { createPlainScanner } from '../../core/logs/scan/plain-scanner.ts';
import type { Scanner, ScanTask } from '../../core/logs/scan/scanner.ts';
import { createKernelScanner, loadKernel } from './kernel.ts';

export interface Engine {
  readonly name: 'kernel' | 'plain';
  readonly createScanner: (task: ScanTask) => Scanner;
}

/** `auto`: the kernel where it loads; `kernel` where it does not load is an error. */
export function engineOf(wanted: 'auto' | 'kernel' | 'plain'): Engine {
  const module = wanted === 'plain' ? undefined : loadKernel();
  if (module !== undefined) return { name: 'kernel', createScanner: task => createKernelScanner(task, module) };
  if (wanted === 'kernel') throw new Error('the kernel cannot be loaded');
  return { name: 'plain', createScanner: task => createPlainScanner(task) };
}
