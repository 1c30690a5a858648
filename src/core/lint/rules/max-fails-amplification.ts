import type { LintSetting } from '../passes.ts';
import { defineLintRule, spotOf } from '../rule.ts';
import type { LintUpstream } from '../upstreams.ts';
import { targetsOf } from '../upstreams-used.ts';

/** Answers of the application that say something of the request, not of the server. 502 to 504 come from a server that cannot work at all. */
const ofTheRequest = new Set(['http_500', 'http_429']);
/** From so many failures on, one bad page does not take a server out of use within the usual ten seconds. */
const manyFails = 10;

/** With `http_500` each server that answers a request so counts it as its own failure (ngx_http_upstream_next): one page marks all of them down. */
export default defineLintRule({
  meta: {
    id: 'max-fails-amplification',
    title: 'One failing page takes every server of a group out of use',
    severity: 'warning',
    fault: 'max-fails-amplification',
  },
  *check(view) {
    const told = new Set<string>();
    for (const { pass, target } of targetsOf(view)) {
      const next = pass.setting('next_upstream');
      const { upstream } = target;
      const token = next.at?.args.find(arg => ofTheRequest.has(arg.value));
      if (upstream === undefined || next.at === undefined || token === undefined || pass.kind === 'stream') continue;
      const counted = upstream.members.filter(member => !member.isDown && !member.isBackup);
      if (
        counted.length < 2 ||
        counted.some(member => member.maxFails === 0 || member.maxFails >= manyFails) ||
        isBounded(pass.setting('next_upstream_tries'), counted.length)
      )
        continue;
      const key = `${next.at.path} ${token.start} ${upstream.name}`;
      if (told.has(key)) continue;
      told.add(key);
      const status = token.value.slice('http_'.length);
      yield {
        at: { path: next.at.path, start: token.start, end: token.end },
        message: `A request that is answered ${status} is tried on every server of "${upstream.name}", and counts as a failure of each. With ${failsOf(upstream)} one such page takes all ${counted.length} out of use, and every other page gets a 502 ("no live upstreams") for ${counted.reduce((longest, member) => Math.max(longest, member.failTimeoutMs), 0) / 1000} s.`,
        advice: `Take \`${token.value}\` out, so that the answer reaches the client, or set \`max_fails=0\` on the servers.`,
        related: [
          { at: spotOf(upstream.directive), text: 'The servers are these.' },
          { at: spotOf(pass.directive), text: 'It is passed to here.' },
        ],
      };
    }
  },
});

/** Fewer tries than servers leave one in use for the others. */
function isBounded(tries: LintSetting, servers: number): boolean {
  const count = Number(tries.args[0]);
  return count > 0 && count < servers;
}

function failsOf({ members }: LintUpstream): string {
  const written = members.find(member => member.directive.args.some(arg => arg.value.startsWith('max_fails=')));
  return written === undefined
    ? '`max_fails` at its default of 1'
    : `\`max_fails=${members.reduce((least, member) => Math.min(least, member.maxFails), manyFails)}\``;
}
