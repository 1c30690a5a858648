import { defineFix } from '../model/fix.ts';
import type { Facts } from '../model/facts.ts';
import type { FixPlan, FixStep } from '../model/finding.ts';
import { numberOf, textOf } from '../model/fix-data.ts';
import { directivesOf, editSteps, siblingsOf, type TextChange } from '../model/nginx-edits.ts';
import { takenUp } from '../model/nginx-reload.ts';

/** The part of the backend's time that nginx keeps a connection: what is left is more than a busy backend's timers lag. */
const share = 0.6;
/** Below this, kept connections are hardly used again, and the backend's own setting is what to change. */
const shortestMs = 200;

/** Where each server keeps the time that it leaves an idle connection open. */
const settings: Readonly<Record<string, string>> = {
  node: 'server.keepAliveTimeout (milliseconds; Node adds up to a second of its own)',
  gunicorn: '--keep-alive (seconds; workers of the kinds gthread and async)',
  uvicorn: '--timeout-keep-alive (seconds)',
  puma: 'persistent_timeout (seconds)',
  tomcat: 'keepAliveTimeout of the Connector (milliseconds)',
  apache: 'KeepAliveTimeout (seconds)',
  haproxy: 'timeout http-keep-alive',
  nginx: 'keepalive_timeout of the http block (seconds)',
};

/** Lets nginx be the one that closes: it knows of its own close, and loses no request by it. */
export default defineFix({
  id: 'shorten-upstream-keepalive',
  fixes: ['keepalive-race'],
  plan(finding, facts) {
    const groupId = textOf(finding.fixData, 'groupId');
    const idleMs = numberOf(finding.fixData, 'idleMs');
    if (groupId === undefined || idleMs === undefined) return undefined;
    const wantedMs = Math.floor((idleMs * share) / 100) * 100;
    const value = wantedMs % 1000 === 0 ? `${wantedMs / 1000}s` : `${wantedMs}ms`;
    // Before 1.15.3 an upstream has no such directive, and nginx would refuse the configuration.
    const canBeSet = numberOf(finding.fixData, 'keptMs') !== undefined;
    const edits = wantedMs < shortestMs || !canBeSet ? [] : editsFor(facts, groupId, value);
    if (edits.length === 0) return byHand(finding.subject.name, { idleMs, canBeSet, kind: textOf(finding.fixData, 'kind') });
    return {
      id: 'shorten-upstream-keepalive',
      summary: `Let nginx close its idle connections after ${value}, before ${finding.subject.name} does after ${(idleMs / 1000).toFixed(1)} s`,
      automatic: true,
      risk: 'low',
      minutes: 1,
      ...takenUp(facts, edits),
      verify: 'No request is cut on a kept connection any more, POSTs included.',
    };
  },
});

/** In the group's block: its own directive gets the new value, or one is written behind `keepalive`, which it must follow. */
function editsFor(facts: Facts, groupId: string, value: string): FixStep[] {
  if (facts['nginx-config'].state !== 'known' || facts.topology.state !== 'known') return [];
  const configs = facts['nginx-config'].value;
  const group = facts.topology.value.groups.find(one => one.id === groupId);
  if (group?.explicit !== true) return [];
  for (const config of configs) {
    for (const { directive: block } of directivesOf(config)) {
      if (block.name !== 'upstream' || block.path !== group.origin.path || block.line !== group.origin.line) continue;
      const [inside] = block.block ?? [];
      const siblings = inside === undefined ? [] : siblingsOf(config, inside);
      const own = siblings.findLast(one => one.name === 'keepalive_timeout');
      const anchor = siblings.findLast(one => one.name === 'keepalive') ?? siblings.findLast(one => one.name === 'server');
      const change: TextChange | undefined =
        own !== undefined
          ? { path: own.path, start: own.args[0]?.start ?? own.end, end: own.args[0]?.end ?? own.end, text: value }
          : anchor === undefined
            ? undefined
            : { path: anchor.path, start: anchor.end, end: anchor.end, text: ` keepalive_timeout ${value};` };
      return change === undefined ? [] : editSteps(configs, [change]);
    }
  }
  return [];
}

function byHand(name: string, { idleMs, canBeSet, kind }: { readonly idleMs: number; readonly canBeSet: boolean; readonly kind: string | undefined }): FixPlan {
  const where = settings[kind ?? ''] ?? 'its keep-alive timeout';
  return {
    id: 'shorten-upstream-keepalive',
    summary: `Let ${name} keep idle connections for longer than nginx does`,
    automatic: false,
    risk: 'low',
    minutes: 10,
    steps: [
      {
        kind: 'manual',
        text: canBeSet
          ? `${name} closes after ${(idleMs / 1000).toFixed(1)} s. Raise ${where} above the keepalive_timeout of nginx's upstream, which is 60 s unless it is set, or set that one below.`
          : `${name} closes after ${(idleMs / 1000).toFixed(1)} s, and this nginx keeps idle connections until the other side closes them. Upgrade nginx to 1.15.3 or later and set keepalive_timeout in the upstream below that; until then take keepalive out of the upstream, or raise ${where} far above the gaps between requests.`,
        commands: [],
      },
    ],
    validate: [],
    verify: 'No request is cut on a kept connection any more, POSTs included.',
  };
}
