import { defineFix } from '../model/fix.ts';
import type { FixPlan } from '../model/finding.ts';
import { directivesOf, editSteps, type TextChange } from '../model/nginx-edits.ts';
import { takenUp } from '../model/nginx-reload.ts';

/** Gives nginx a name server that was asked from here and knows the name. Where none does, a person has to make the record. */
export default defineFix({
  id: 'set-resolver',
  fixes: ['resolver-missing', 'dns-name-not-found', 'dns-resolver-unreachable'],
  plan(finding, facts) {
    const { name, server, instead, missing, routes, atStart } = finding.fixData ?? {};
    if (typeof name !== 'string') return undefined;
    const configs = facts['nginx-config'].state === 'known' ? facts['nginx-config'].value : [];
    const places = Array.isArray(routes) ? routes.filter(isPlace) : [];
    if (typeof server !== 'string' || server === '') return byHand(name, missing === true, atStart === true);
    const written = server.includes(':') ? `[${server}]` : server;
    const changes = configs.flatMap(config =>
      [...directivesOf(config)].flatMap(({ directive }): TextChange[] => {
        if (missing === true) {
          const isPass = directive.name.endsWith('_pass') && places.some(place => place.path === directive.path && place.line === directive.line);
          return isPass ? [{ path: directive.path, start: directive.start, end: directive.start, text: `resolver ${written} valid=30s; ` }] : [];
        }
        if (directive.name !== 'resolver' || !Array.isArray(instead)) return [];
        const old = directive.args.filter(arg => instead.includes(arg.value.includes(':') ? arg.value : `${arg.value}:53`));
        return old.map((arg, index) => ({ path: directive.path, start: arg.start, end: arg.end, text: index === 0 ? written : '' }));
      }),
    );
    const edits = editSteps(configs, changes);
    if (edits.length === 0) return byHand(name, missing === true, atStart === true);
    return {
      id: 'set-resolver',
      summary:
        missing === true
          ? `Let nginx ask ${server}, the name server of this system, for ${name}`
          : `Let nginx ask ${server}, the name server of this system, instead of ${String(instead)}`,
      automatic: finding.confidence === 'confirmed',
      risk: 'low',
      minutes: 2,
      ...takenUp(facts, edits),
      verify: `Requests that need ${name} succeed, and no more errors speak of resolving it.`,
    };
  },
});

function byHand(name: string, isMissing: boolean, isAtStart: boolean): FixPlan {
  const host = /^[A-Za-z0-9._-]+$/.test(name) ? name : 'NAME';
  const text = isMissing
    ? `No name server that was asked knows ${host}. Add a resolver that does, or write the address instead of the name.`
    : isAtStart
      ? `Make the record of ${host}, or take the server out of the upstream until it exists; then reload nginx.`
      : `Make the record of ${host} where nginx looks for it. A name of /etc/hosts is read only for a server in an upstream block, and only at the start.`;
  return {
    id: 'make-name-resolvable',
    summary: `Make ${host} resolvable for nginx`,
    automatic: false,
    risk: 'low',
    minutes: 10,
    steps: [
      {
        kind: 'manual',
        text,
        commands: [`getent ahosts ${host}`, 'cat /etc/resolv.conf', 'grep -rn resolver /etc/nginx', 'nginx -t && systemctl reload nginx'],
      },
    ],
    validate: [['nginx', '-t']],
    verify: `nginx -t passes, and requests that need ${host} succeed.`,
  };
}

function isPlace(value: unknown): value is { readonly path: string; readonly line: number } {
  return typeof value === 'object' && value !== null && 'path' in value && 'line' in value;
}
