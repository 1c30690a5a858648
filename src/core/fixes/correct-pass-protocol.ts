import { defineFix } from '../model/fix.ts';
import type { ConfigDirective, NginxConfig } from '../model/facts/nginx.ts';
import type { Facts } from '../model/facts.ts';
import type { Finding, FixPlan, FixStep } from '../model/finding.ts';
import { directivesOf, editSteps, siblingsOf, type TextChange } from '../model/nginx-edits.ts';
import { reloadNginx, takenUp } from '../model/nginx-reload.ts';

/** Lets nginx speak to the backend in the protocol that it answers in. */
export default defineFix({
  id: 'correct-pass-protocol',
  fixes: ['protocol-mismatch', 'tls-to-plaintext', 'plaintext-to-tls'],
  plan(finding, facts) {
    const { spoken, places, isOnlyPeer } = finding.fixData ?? {};
    if (typeof spoken !== 'string' || !Array.isArray(places) || facts['nginx-config'].state !== 'known') return undefined;
    const configs = facts['nginx-config'].value;
    const passes = configs.flatMap(config =>
      [...directivesOf(config)].map(({ directive }) => ({ config, directive })).filter(({ directive }) => isAt(directive, places)),
    );
    const changes = passes.map(({ config, directive }) => changeOf(config, directive, spoken));
    const edits = changes.every(change => change !== undefined) ? editSteps(configs, changes) : [];
    const sure = edits.length > 0 && finding.confidence === 'confirmed' && isOnlyPeer === true;
    return sure ? { ...plan(finding, spoken, [], true), ...takenUp(facts, edits) } : plan(finding, spoken, [byHand(finding, spoken, facts)], false);
  },
});

/** What nginx has a pass for, so far as a person would want it. */
const passable = new Set(['HTTP', 'TLS', 'FastCGI', 'uwsgi']);

function plan(finding: Finding, spoken: string, steps: readonly FixStep[], automatic: boolean): FixPlan {
  const [address = finding.subject.id] = finding.subject.peers;
  return {
    id: 'correct-pass-protocol',
    summary: passable.has(spoken)
      ? `Let nginx speak ${spoken} to ${address}`
      : `Pass to the backend that is meant, and not to ${address}, which speaks ${spoken}`,
    automatic,
    risk: automatic ? 'low' : 'medium',
    minutes: automatic ? 1 : 10,
    steps,
    validate: [],
    verify: `Requests through nginx to ${address} succeed, and its error log stays quiet.`,
  };
}

function byHand(finding: Finding, spoken: string, facts: Facts): FixStep {
  const [address = finding.subject.id] = finding.subject.peers;
  const reload = reloadNginx(facts);
  const commands = ['nginx -t', ...(reload.kind === 'command' ? [reload.argv.join(' ')] : [])];
  const text: Readonly<Record<string, string>> = {
    AJP: `nginx has no AJP. Give the container a Connector of HTTP (in server.xml: <Connector port="8080" address="127.0.0.1" protocol="HTTP/1.1"/>), and pass to its port with proxy_pass instead of ${address}.`,
    FastCGI: `In the location, replace the pass with "include fastcgi_params; fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; fastcgi_pass ${address};".`,
    uwsgi: `In the location, replace the pass with "include uwsgi_params; uwsgi_pass ${address};".`,
    HTTP: `In the location, replace the pass with "proxy_pass http://${address};". Other servers of the same upstream group must speak HTTP too.`,
    TLS: `In the location, replace the pass with "proxy_pass https://${address};". Other servers of the same upstream group must speak TLS too.`,
  };
  return {
    kind: 'manual',
    text: text[spoken] ?? `${address} speaks ${spoken}, which no pass of nginx speaks: find the address of the backend that is meant, and write it there.`,
    commands,
  };
}

function isAt(directive: ConfigDirective, places: readonly unknown[]): boolean {
  if (!directive.name.endsWith('_pass')) return false;
  return places.some(
    place =>
      typeof place === 'object' && place !== null && 'path' in place && 'line' in place && place.path === directive.path && place.line === directive.line,
  );
}

/** The pass in the other protocol, with the parameters that it needs and does not have; undefined where a person must decide. */
function changeOf(config: NginxConfig, directive: ConfigDirective, spoken: string): TextChange | undefined {
  const target = directive.args[0]?.value ?? '';
  if (target.includes('$') || directive.args.length !== 1) return undefined;
  const names = [...directivesOf(config)].filter(one => one.directive.name === 'upstream').map(one => one.directive.args[0]?.value ?? '');
  const bare = bareAddress(target, names);
  const siblings = siblingsOf(config, directive);
  const text = passTo(spoken, directive, target, bare, siblings);
  return text === undefined ? undefined : { path: directive.path, start: directive.start, end: directive.end, text };
}

function passTo(spoken: string, directive: ConfigDirective, target: string, bare: Bare, siblings: readonly ConfigDirective[]): string | undefined {
  const has = (name: string, word?: string): boolean => siblings.some(one => one.name === name && (word === undefined || one.args[0]?.value === word));
  const isWeb = directive.name === 'proxy_pass' || directive.name === 'grpc_pass';
  if (spoken === 'HTTP' || spoken === 'TLS') {
    const scheme = spoken === 'HTTP' ? 'http' : 'https';
    if (directive.name === 'proxy_pass') {
      const rest = target.slice(target.indexOf('://') + 3);
      // The port that the old scheme implied stays.
      const end = rest.includes('/') ? rest.indexOf('/') : rest.length;
      const implied = rest.startsWith('unix:') || bare.hasPort || bare.isName ? '' : target.startsWith('https') ? ':443' : ':80';
      return `proxy_pass ${scheme}://${rest.slice(0, end)}${implied}${rest.slice(end)};`;
    }
    if (isWeb) return undefined;
    const host = has('proxy_set_header') ? '' : 'proxy_set_header Host $host; ';
    return `${host}proxy_pass ${scheme}://${bare.address};`;
  }
  if (bare.uri !== '' && bare.uri !== '/') return undefined;
  if (spoken === 'uwsgi') return `${has('include', 'uwsgi_params') || has('uwsgi_param') ? '' : 'include uwsgi_params; '}uwsgi_pass ${bare.address};`;
  if (spoken !== 'FastCGI') return undefined;
  const params =
    has('fastcgi_param', 'REQUEST_METHOD') || siblings.some(one => one.name === 'include' && /fastcgi[^/]*$/.test(one.args[0]?.value ?? ''))
      ? ''
      : 'include fastcgi_params; ';
  const script = has('fastcgi_param', 'SCRIPT_FILENAME') ? '' : 'fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; ';
  return `${params}${script}fastcgi_pass ${bare.address};`;
}

interface Bare {
  /** `127.0.0.1:9000`, `unix:/run/x.sock`, an upstream's name. */
  readonly address: string;
  readonly uri: string;
  readonly hasPort: boolean;
  /** It names an upstream block. */
  readonly isName: boolean;
}

function bareAddress(target: string, names: readonly string[]): Bare {
  const scheme = target.indexOf('://');
  const rest = scheme === -1 ? target : target.slice(scheme + 3);
  if (rest.startsWith('unix:')) {
    const end = rest.indexOf(':', 5);
    return { address: end === -1 ? rest : rest.slice(0, end), uri: end === -1 ? '' : rest.slice(end + 1), hasPort: true, isName: false };
  }
  const slash = rest.indexOf('/');
  const address = slash === -1 ? rest : rest.slice(0, slash);
  const hasPort = /:\d+$/.test(address);
  return { address, uri: slash === -1 ? '' : rest.slice(slash), hasPort, isName: names.includes(address) };
}
