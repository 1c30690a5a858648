import { defineFix } from '../model/fix.ts';
import { numberOf, textOf } from '../model/fix-data.ts';
import type { ConfigDirective, NginxConfig } from '../model/facts/nginx.ts';
import { reloadCommand, testCommand } from '../model/nginx-commands.ts';
import { directivesOf, editSteps, type TextChange } from '../model/nginx-edits.ts';

/** A server that is away fails every request at once: so many in a row still take it out within a moment. */
const least = 10;
/** More than this would be as good as never, which a person should write as `max_fails=0`. */
const most = 100;
const headroom = 3;

/**
 * Lets a server fail so often before it is left out that one page cannot do it. `proxy_next_upstream` would not help: nginx counts
 * errors, timeouts and invalid headers against the server whether or not the next one is asked.
 */
export default defineFix({
  id: 'tolerate-failing-page',
  fixes: ['max-fails-amplification'],
  plan(finding, facts) {
    const group = textOf(finding.fixData, 'group');
    const page = textOf(finding.fixData, 'page') ?? 'the page';
    const now = numberOf(finding.fixData, 'maxFails') ?? 1;
    const seen = numberOf(finding.fixData, 'most') ?? 0;
    if (group === undefined) return undefined;
    const next = Math.min(most, Math.max(least, Math.ceil(seen * headroom)));
    const configs = facts['nginx-config'].state === 'known' ? facts['nginx-config'].value : [];
    const config = configs.find(one => serversOf(one, group).length > 0);
    const instances = facts['nginx-instances'].state === 'known' ? facts['nginx-instances'].value : [];
    const instance = instances.find(one => one.id === config?.instanceId);
    const reload = instance === undefined ? undefined : reloadCommand(instance);
    const edits =
      config === undefined
        ? []
        : editSteps(
            [config],
            serversOf(config, group).flatMap(server => changeOf(server, next)),
          );
    const isAble = edits.length > 0 && reload !== undefined && instance !== undefined;
    return {
      id: 'tolerate-failing-page',
      summary: `Leave a server of ${group} out after ${next} failures within its fail_timeout instead of ${now}`,
      automatic: isAble && finding.confidence !== 'possible',
      risk: 'low',
      minutes: 2,
      steps: isAble
        ? [...edits, { kind: 'command', argv: reload, undo: reload, disruptive: false, why: 'nginx forgets its marks and asks the servers again at once.' }]
        : [
            {
              kind: 'manual',
              text: `Name the servers of ${group} in an upstream block, each with max_fails=${next}, and reload nginx, which also clears the marks. Put the old lines back to undo it.`,
              commands: ["grep -rn -A8 'upstream ' /etc/nginx", 'nginx -t && systemctl reload nginx'],
            },
          ],
      validate: instance === undefined ? [['nginx', '-t']] : [testCommand(instance)],
      verify: `Other pages are answered while ${page} fails, and no new "no live upstreams" is logged. Then repair ${page}.`,
    };
  },
});

/** The `server` lines of the upstream block of that name. */
function serversOf(config: NginxConfig, group: string): readonly ConfigDirective[] {
  return [...directivesOf(config)]
    .filter(({ directive }) => directive.name === 'upstream' && directive.args[0]?.value === group)
    .flatMap(({ directive }) => inBlock(directive.block ?? []))
    .filter(directive => directive.name === 'server' && directive.args.length > 0);
}

function inBlock(directives: readonly ConfigDirective[], depth = 0): readonly ConfigDirective[] {
  if (depth > 20) return [];
  return directives.flatMap(one => [one, ...(one.included ?? []).flatMap(file => inBlock(file.directives, depth + 1))]);
}

/** Its `max_fails` gets the value, or is written behind the address. One that is never left out, or not used, stays as it is. */
function changeOf({ path, args }: ConfigDirective, next: number): TextChange[] {
  const [address] = args;
  const own = args.find(arg => arg.value.startsWith('max_fails='));
  if (address === undefined || own?.value === 'max_fails=0' || args.some(arg => arg.value === 'down')) return [];
  if (own !== undefined)
    return Number(own.value.slice('max_fails='.length)) >= next ? [] : [{ path, start: own.start, end: own.end, text: `max_fails=${next}` }];
  return [{ path, start: address.end, end: address.end, text: ` max_fails=${next}` }];
}
