import { defineFix } from '../model/fix.ts';
import type { Facts } from '../model/facts.ts';
import type { Finding, FixPlan, FixStep } from '../model/finding.ts';
import { numberOf, textOf } from '../model/fix-data.ts';
import { locationEdit } from '../model/location-edit.ts';

/** Longer than this nobody waits for a page: then the inner limit is what is too long. */
const longestMs = 120_000;
/** Time for the inner one to give up and say so. */
const marginSeconds = 5;

/**
 * Lets the outer hop wait a little longer than the inner one, within a bound. Without a failing request it is a choice which
 * of the two is wrong, and a person makes it; so it is for limits that badhop does not edit.
 */
export default defineFix({
  id: 'put-timeouts-in-order',
  fixes: ['timeout-chain-inverted'],
  plan(finding, facts) {
    const inner = numberOf(finding.fixData, 'innerMs');
    const outer = numberOf(finding.fixData, 'outerMs');
    const directive = textOf(finding.fixData, 'directive');
    const routeId = textOf(finding.fixData, 'routeId');
    if (inner === undefined || outer === undefined || directive === undefined || routeId === undefined) return undefined;
    const seconds = Math.ceil(inner / 1000) + marginSeconds;
    const isComputing = textOf(finding.fixData, 'innerCounts') === 'cpu';
    const found = seconds * 1000 > longestMs || isComputing ? undefined : locationEdit(facts, routeId, directive, `${seconds}s`);
    const place = textOf(finding.fixData, 'outerPlace') ?? '';
    const limit = `${textOf(finding.fixData, 'innerSetting') ?? 'the inner limit'} (${textOf(finding.fixData, 'innerPlace') ?? ''})`;
    if (found?.reload === undefined) return byHand(finding, facts, { seconds, outer, inner, directive, place, limit });
    return {
      id: 'put-timeouts-in-order',
      summary: `Let ${directive} be ${seconds} s instead of ${outer / 1000} s, above the ${inner / 1000} s of ${limit}`,
      automatic: finding.status !== 'latent',
      risk: found.isShared ? 'medium' : 'low',
      minutes: 2,
      steps: [...(finding.status === 'latent' ? [choice(outer, inner, limit)] : []), ...found.edits, found.reload],
      validate: found.validate,
      verify: 'A page that takes longer than before is answered, and where one takes too long it is the inner side that says so.',
    };
  },
});

interface Limits {
  readonly seconds: number;
  readonly outer: number;
  readonly inner: number;
  readonly directive: string;
  readonly place: string;
  readonly limit: string;
}

function choice(outer: number, inner: number, limit: string): FixStep {
  return {
    kind: 'manual',
    text: `Decide which of the two is wrong: where no page may take ${inner / 1000} s, set ${limit} below ${outer / 1000} s instead, and leave nginx as it is.`,
    commands: [],
  };
}

function byHand(finding: Finding, facts: Facts, { seconds, outer, inner, directive, place, limit }: Limits): FixPlan {
  const unit = textOf(finding.fixData, 'unit');
  const who = textOf(finding.fixData, 'who') ?? '';
  const proxy = ['HAProxy', 'Apache'].find(name => who.startsWith(name));
  const isTooLong = seconds * 1000 > longestMs;
  const raise = `Raise ${directive} (${place}) from ${outer / 1000} s to ${seconds} s, above ${limit}`;
  const lower = `Lower ${limit} from ${inner / 1000} s below the ${outer / 1000} s of ${directive} (${place})`;
  const file = place.replace(/:\d+$/, '');
  const check: readonly string[] =
    proxy === 'HAProxy'
      ? [`haproxy -c -f ${file}`, 'systemctl reload haproxy']
      : proxy === 'Apache'
        ? ['apachectl configtest', 'systemctl reload apache2']
        : nginxCommands(facts);
  return {
    id: 'put-timeouts-in-order',
    summary: isTooLong ? lower : raise,
    automatic: false,
    risk: 'medium',
    minutes: 10,
    steps: [
      {
        kind: 'manual',
        text: isTooLong
          ? `${lower}: nobody waits ${inner / 1000} s for a page. What has to take so long belongs into a queue. Restart the service to take it up, and put the old value back to undo it.`
          : `${raise}; or lower that limit, where no page may take so long. Put the old value back to undo it.`,
        commands: [
          ...(file.startsWith('/') ? [`grep -n '${directive}' ${file}`] : []),
          ...(unit === undefined ? [] : [`systemctl cat ${unit}`]),
          ...(isTooLong ? [] : check),
        ],
      },
    ],
    validate: [],
    verify: 'badhop diagnose no longer advises it, and a page that takes too long ends with an error of the inner side.',
  };
}

function nginxCommands(facts: Facts): readonly string[] {
  const unit = facts['nginx-instances'].state === 'known' ? facts['nginx-instances'].value.find(one => one.running)?.unit : undefined;
  return ['nginx -t', `systemctl reload ${unit ?? 'nginx'}`];
}
