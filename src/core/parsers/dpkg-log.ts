/**
 * dpkg's log (`man dpkg`, option `log`), one line an action, in the host's local time. From dpkg 1.21.22:
 *
 *   2026-11-21 07:14:46 startup archives unpack
 *   2026-11-21 07:14:46 install puma:amd64 <none> 5.6.5-3+deb12u2
 *   2026-11-21 07:14:47 upgrade nginx:amd64 1.22.1-9 1.22.1-9+deb12u1
 *   2026-11-21 07:14:48 status installed puma:amd64 5.6.5-3+deb12u2
 */
import { parseLogTime, type LogTimeOptions } from './log-time.ts';

export interface PackageAction {
  readonly timeMs: number;
  readonly action: 'install' | 'upgrade' | 'remove' | 'purge';
  /** Without its architecture. */
  readonly name: string;
  /** The version that is there afterwards. */
  readonly version?: string;
  /** The version that was there before. */
  readonly oldVersion?: string;
}

const actions = new Set(['install', 'upgrade', 'remove', 'purge']);
const maxLines = 20_000;
const maxWord = 200;

/** Packages that were put in place or taken away, in the order of the log. Lines of any other kind are left out. */
export function parseDpkgLog(text: string, options: LogTimeOptions): readonly PackageAction[] {
  const found: PackageAction[] = [];
  for (const line of text.split('\n', maxLines)) {
    const time = parseLogTime(line, options);
    if (time === undefined) continue;
    const [action, full, before, version] = line.slice(time.end, time.end + 4 * maxWord).split(' ');
    if (action === undefined || !isAction(action) || full === undefined || full === '' || full.length > maxWord) continue;
    const colon = full.indexOf(':');
    const name = colon > 0 ? full.slice(0, colon) : full;
    const isThere = version !== undefined && version !== '' && version !== '<none>' && (action === 'install' || action === 'upgrade');
    const wasThere = action === 'upgrade' && before !== undefined && before !== '' && before !== '<none>';
    found.push({ timeMs: time.timeMs, action, name, ...(isThere ? { version } : {}), ...(wasThere ? { oldVersion: before } : {}) });
  }
  return found;
}

function isAction(word: string): word is PackageAction['action'] {
  return actions.has(word);
}
