/** Loaded into badhop with `--import`: says at its end how much memory it held at most, in KiB, as the last line of stderr. */
import { writeSync } from 'node:fs';

process.on('exit', () => {
  try {
    writeSync(2, `\nlab-max-rss ${process.resourceUsage().maxRSS}\n`);
  } catch {
    // Nobody reads stderr any more.
  }
});
