import { defineFix } from '../model/fix.ts';
import type { ConfigDirective } from '../model/facts/nginx.ts';
import { directivesOf, editSteps, type TextChange } from '../model/nginx-edits.ts';
import { takenUp } from '../model/nginx-reload.ts';

/** Writes the address at which the backend does listen wherever the wrong one stands. */
export default defineFix({
  id: 'correct-upstream-address',
  fixes: ['address-mismatch', 'localhost-ipv6-mismatch', 'socket-missing'],
  plan(finding, facts) {
    const { wanted, real, written, restart } = finding.fixData ?? {};
    if (typeof written !== 'string' || typeof real !== 'string' || typeof wanted !== 'string' || facts['nginx-config'].state !== 'known') return undefined;
    if (typeof restart === 'string') {
      return {
        id: 'restart-on-configured-address',
        summary: `Restart ${restart}, so that it listens on ${wanted} as its configuration says`,
        automatic: true,
        risk: 'medium',
        minutes: 1,
        steps: [
          {
            kind: 'command',
            argv: ['systemctl', 'restart', restart],
            disruptive: true,
            why: `${restart} still listens on ${real}; its requests under way are cut off.`,
          },
        ],
        validate: [],
        verify: `${wanted} takes connections, and the requests through it succeed.`,
      };
    }
    const configs = facts['nginx-config'].value;
    const changes = configs.flatMap(config => [...directivesOf(config)].flatMap(({ directive, within }) => changesIn(directive, within, written, real)));
    const edits = editSteps(configs, changes);
    if (edits.length === 0) return undefined;
    return {
      id: 'correct-upstream-address',
      summary: `Let nginx ask ${real} instead of ${written}`,
      // Where the right address was the best guess and no more, a person decides.
      automatic: finding.confidence === 'confirmed',
      risk: 'low',
      minutes: 1,
      ...takenUp(facts, edits),
      verify: `${real} answers requests through nginx, and no more errors name ${wanted}.`,
    };
  },
});

/** The places in one directive where the written address stands as an address. */
function changesIn(directive: ConfigDirective, within: readonly string[], written: string, real: string): TextChange[] {
  const isServer = directive.name === 'server' && within.at(-1) === 'upstream';
  const isPass = directive.name.endsWith('_pass');
  // Variables that end up in a pass hold the address alone or with its scheme.
  const index = directive.name === 'set' ? 1 : isServer || isPass ? 0 : -1;
  const token = directive.args[index];
  if (token === undefined) return [];
  const value = replaceAddress(token.value, written, real, directive.name !== 'proxy_pass' && directive.name !== 'set');
  return value === undefined ? [] : [{ path: directive.path, start: token.start, end: token.end, text: `${token.quote}${value}${token.quote}` }];
}

/** `http://127.0.0.1:8061/api` → `http://unix:/run/x.sock:/api`. Undefined where the address is another one. */
function replaceAddress(value: string, written: string, real: string, isBare: boolean): string | undefined {
  const schemeEnd = value.indexOf('://');
  const start = schemeEnd === -1 ? 0 : schemeEnd + 3;
  if (!value.startsWith(written, start)) return undefined;
  const rest = value.slice(start + written.length);
  if (isBare) return rest === '' ? value.slice(0, start) + real : undefined;
  if (rest !== '' && !rest.startsWith('/') && !rest.startsWith(':/')) return undefined;
  const uri = rest.startsWith(':') ? rest.slice(1) : rest;
  return `${value.slice(0, start)}${real}${real.startsWith('unix:') && uri !== '' ? ':' : ''}${uri}`;
}
