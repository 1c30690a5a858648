import { defineFix } from '../model/fix.ts';
import type { ConfigDirective } from '../model/facts/nginx.ts';
import type { Facts } from '../model/facts.ts';
import type { FixPlan, FixStep } from '../model/finding.ts';
import { numberOf, textOf } from '../model/fix-data.ts';
import { directivesOf, editSteps, siblingsOf } from '../model/nginx-edits.ts';
import { reloadNginx } from '../model/nginx-reload.ts';

/** Longer than this nobody waits for a page: what takes longer belongs into a queue. */
const longestMs = 120_000;
const headroom = 1.5;

/** Lets that one location wait for as long as the page was seen to take, within a bound. Without a measurement a person decides. */
export default defineFix({
  id: 'raise-read-timeout',
  fixes: ['backend-slower-than-timeout'],
  plan(finding, facts) {
    const directive = textOf(finding.fixData, 'directive');
    const routeId = textOf(finding.fixData, 'routeId');
    const took = numberOf(finding.fixData, 'tookMs');
    const limit = numberOf(finding.fixData, 'limitMs') ?? 0;
    if (directive === undefined || routeId === undefined) return undefined;
    const seconds = took === undefined ? undefined : Math.ceil((took * headroom) / 1000) + 1;
    const edits = seconds === undefined || seconds * 1000 > longestMs ? [] : editsFor(facts, routeId, directive, `${seconds}s`);
    if (edits.length === 0 || seconds === undefined) return byHand(finding.subject.name, directive, limit, textOf(finding.fixData, 'unit'));
    return {
      id: 'raise-read-timeout',
      summary: `Let nginx wait ${seconds} s there instead of ${limit / 1000} s, for a page that took ${((took ?? 0) / 1000).toFixed(1)} s`,
      automatic: true,
      risk: 'low',
      minutes: 1,
      steps: [...edits, reloadNginx(facts)],
      validate: [['nginx', '-t']],
      verify: 'The page answers through nginx. It is as slow as before: find out why it takes so long.',
    };
  },
});

/** Beside the `*_pass` of that location: its own directive gets the new value, and one that is inherited is set anew for it alone. */
function editsFor(facts: Facts, routeId: string, directive: string, value: string): FixStep[] {
  if (facts['nginx-config'].state !== 'known' || facts.topology.state !== 'known') return [];
  const configs = facts['nginx-config'].value;
  const route = facts.topology.value.routes.find(one => one.id === routeId);
  if (route === undefined) return [];
  for (const config of configs) {
    for (const { directive: pass } of directivesOf(config)) {
      if (!pass.name.endsWith('_pass') || pass.path !== route.origin.path || pass.line !== route.origin.line) continue;
      const own = siblingsOf(config, pass).findLast(one => one.name === directive);
      return editSteps(configs, [own === undefined ? added(pass, directive, value) : changed(own, value)]);
    }
  }
  return [];
}

function changed(own: ConfigDirective, value: string) {
  const [first] = own.args;
  return { path: own.path, start: first?.start ?? own.end, end: first?.end ?? own.end, text: value };
}

function added(pass: ConfigDirective, directive: string, value: string) {
  return { path: pass.path, start: pass.start, end: pass.start, text: `${directive} ${value}; ` };
}

function byHand(name: string, directive: string, limitMs: number, unit: string | undefined): FixPlan {
  return {
    id: 'raise-read-timeout',
    summary: `Find out why ${name} takes longer than ${limitMs / 1000} s`,
    automatic: false,
    risk: 'low',
    minutes: 30,
    steps: [
      {
        kind: 'manual',
        text: `Measure the page at the backend itself, and look at what it waits for. Raise ${directive} for that location alone, and only where the answer is worth the wait.`,
        commands: unit === undefined ? [] : [`journalctl -u ${unit} -n 80 --no-pager`, `systemctl status ${unit}`],
      },
    ],
    validate: [],
    verify: 'The page answers through nginx within its time.',
  };
}
