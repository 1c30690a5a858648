import type { Known, Unknown } from '../../model/fact.ts';
import { absent, denied, timedOut, unparsable } from '../../model/fact.ts';
import type { ExecResult, ReadResult } from '../../model/host.ts';
import { decodeUtf8 } from '../../parsers/text.ts';

/** The text of a file, or `undefined` where it could not be read. Only for files that may be missing. */
export function textOf(answer: Known<ReadResult> | undefined): string | undefined {
  return answer?.state === 'known' ? decodeUtf8(answer.value.bytes) : undefined;
}

/** What a program printed when it ended well, else why there is nothing; `how` says what would be needed. */
export function outputOf(answer: Known<ExecResult>, program: string, how?: string): Known<string> {
  if (answer.state !== 'known') return answer;
  const { code, stdout, stderr, truncated } = answer.value;
  if (code === 0) return { state: 'known', value: stdout };
  if (code === -1 && truncated) return unparsable(`${program} printed more than badhop reads and was stopped`);
  const said = firstLine(stderr) || firstLine(stdout);
  const why = said === '' ? `${program} ended with code ${code}` : `${program}: ${said}`;
  if (isRefusal(said)) return denied(why, how);
  return code === 124 || code === -1 ? timedOut(why, how) : absent(why, how);
}

/** True for what programs print when the kernel refuses them. */
export function isRefusal(text: string): boolean {
  const lower = text.toLowerCase();
  return ['permission denied', 'not permitted', 'must be root', 'access denied', 'insufficient permission', 'interactive authentication required'].some(words =>
    lower.includes(words),
  );
}

/** One sentence for `problems` about a part that could not be read. */
export function problemText(what: string, answer: Unknown): string {
  return `${what}: ${answer.why}${answer.how === undefined ? '' : ` (${answer.how})`}`;
}

function firstLine(text: string): string {
  const trimmed = text.trim();
  const end = trimmed.indexOf('\n');
  return trimmed.slice(0, Math.min(end < 0 ? trimmed.length : end, 300));
}
