import { defineFix } from '../model/fix.ts';
import { textOf } from '../model/fix-data.ts';
import type { FixPlan } from '../model/finding.ts';
import { takenUp } from '../model/nginx-reload.ts';
import { passEdits } from '../model/pass-edits.ts';

/** Directives, without the module's prefix, that bring back what an absent one meant before. */
const former: Readonly<Record<string, readonly [name: string, value: string]>> = {
  tls: ['ssl_protocols', 'TLSv1 TLSv1.1 TLSv1.2'],
  // With it nginx asks the backend to close each connection, as it did.
  keepalive: ['http_version', '1.0'],
};

/** Writes down what nginx did before its upgrade. Where no directive brings it back, only the backend or the older nginx can. */
export default defineFix({
  id: 'pin-former-default',
  fixes: ['upgrade-changed-defaults'],
  plan(finding, facts) {
    const setting = former[textOf(finding.fixData, 'default') ?? ''];
    if (setting === undefined) return backendOrOlder(textOf(finding.fixData, 'package') ?? 'nginx', textOf(finding.fixData, 'from') ?? '');
    const places = finding.fixData?.['places'];
    if (!Array.isArray(places) || facts['nginx-config'].state !== 'known') return undefined;
    const edits = passEdits(facts['nginx-config'].value, places, [setting]);
    if (edits.length === 0) return undefined;
    return {
      id: 'pin-former-default',
      summary: `Set ${setting[0]} ${setting[1]} towards ${finding.subject.peers.join(', ')}, which was the default before the upgrade`,
      automatic: finding.confidence !== 'possible',
      risk: 'low',
      minutes: 1,
      ...takenUp(facts, edits),
      verify: 'The requests that have failed since the upgrade succeed.',
    };
  },
});

function backendOrOlder(name: string, from: string): FixPlan {
  return {
    id: 'pin-former-default',
    summary: 'Let the backend send each answer with one length; until then use the older nginx',
    automatic: false,
    risk: 'medium',
    minutes: 30,
    steps: [
      {
        kind: 'manual',
        text: 'No directive lets nginx pass on such a header again. Find in the application, or in what stands between it and nginx, who adds the second Content-Length or Transfer-Encoding, and take it out.',
        commands: [],
      },
      {
        kind: 'manual',
        text: `Until that is done, go back to the version that passed it on${from === '' ? '' : ` (${from})`}, and hold it: it has no security updates any more.`,
        commands: from === '' || !/^[\w.:+~-]+$/.test(from) ? [] : [`apt-get install --allow-downgrades ${name}=${from}`, `apt-mark hold ${name}`],
      },
    ],
    validate: [],
    verify: 'The requests that have failed since the upgrade succeed.',
  };
}
