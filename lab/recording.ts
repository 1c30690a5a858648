import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where badhop lies on a host that has no source tree. */
const elsewhere = '/opt/badhop';

/**
 * Takes out of a recorded bundle what belongs to the machine and not to its host: the path of the source tree, and kernel
 * messages from before the host was booted, as all hosts of a machine share one kernel log.
 */
export function tidyRecording(folder: string, repository: string, bootedMs: number): void {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile());
  for (const file of files) {
    const path = join(file.parentPath, file.name);
    const text = readFileSync(path, 'latin1');
    const isKernelLog = file.name.startsWith('exec-journalctl-k') || file.name.startsWith('exec-dmesg');
    const kept = isKernelLog ? newerLines(text, bootedMs) : text;
    const tidy = kept.replaceAll(repository, elsewhere);
    if (tidy !== text) writeFileSync(path, tidy, 'latin1');
  }
}

function newerLines(text: string, sinceMs: number): string {
  return text
    .split('\n')
    .filter(line => line === '' || timeOf(line) >= sinceMs)
    .join('\n');
}

/**
 * When the kernel wrote a line of `journalctl -o json` or of `dmesg --time-format iso`; a line without a time is as old as can be.
 * The journal of a host that has just booted holds what the machine's kernel wrote long before.
 */
function timeOf(line: string): number {
  const micros = (name: string): number => Number(new RegExp(`"${name}"\\s*:\\s*"(\\d{1,17})"`).exec(line)?.[1]);
  const received = micros('__REALTIME_TIMESTAMP');
  const waited = micros('__MONOTONIC_TIMESTAMP') - micros('_SOURCE_MONOTONIC_TIMESTAMP');
  if (!Number.isNaN(received)) return (received - (Number.isNaN(waited) ? 0 : Math.max(0, waited))) / 1000;
  const iso = Date.parse(line.slice(0, line.indexOf(' ')).replace(',', '.'));
  return Number.isNaN(iso) ? 0 : iso;
}
