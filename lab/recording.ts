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

/** Of a line of `journalctl -o json` or of `dmesg --time-format iso`; a line without a time is as old as can be. */
function timeOf(line: string): number {
  const micros = /"__REALTIME_TIMESTAMP"\s*:\s*"(\d{10,17})"/.exec(line)?.[1];
  if (micros !== undefined) return Number(micros) / 1000;
  const iso = Date.parse(line.slice(0, line.indexOf(' ')).replace(',', '.'));
  return Number.isNaN(iso) ? 0 : iso;
}
