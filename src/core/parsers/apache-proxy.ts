/**
 * What Apache passes on, from the directives that say so. Source: the manual of Apache 2.4's mod_proxy (`ProxyPass`,
 * `ProxyTimeout`, `BalancerMember`) and of its core (`Timeout`). Sample:
 *
 *   <VirtualHost *:80>
 *       ProxyTimeout 30
 *       ProxyPass "/shop" "http://127.0.0.1:8081/" timeout=20 retry=0
 *   </VirtualHost>
 */
import type { Sourced } from '../model/facts/backend.ts';
import type { ProxyPass, ProxyTarget } from '../model/facts/timeouts.ts';
import { parseListenAddress } from './listen-address.ts';

/** A directive with its place and the sections around it. */
export interface PlacedDirective {
  /** In lower case. */
  readonly name: string;
  readonly args: readonly string[];
  /** `file:/etc/apache2/sites-enabled/shop.conf:12`. */
  readonly source: string;
  readonly text: string;
  /** Outermost first: `virtualhost#file:/etc/apache2/sites-enabled/shop.conf:1 *:80`. The place tells two of one name apart. */
  readonly within: readonly string[];
}

const names: ReadonlySet<string> = new Set(['timeout', 'proxytimeout', 'proxypass', 'proxypassmatch', 'balancermember']);
const mostPasses = 2000;

export function isAboutProxying(name: string): boolean {
  return names.has(name);
}

/** What is passed on, and how long each waits: its own `timeout=`, else `ProxyTimeout`, else `Timeout`, of its virtual host before that of all. */
export function apachePasses(placed: readonly PlacedDirective[]): readonly ProxyPass[] {
  const waits = new Map<string, Sourced<number>>();
  const members = new Map<string, ProxyTarget[]>();
  for (const one of placed) {
    const [first = ''] = one.args;
    const value = one.name === 'proxytimeout' || one.name === 'timeout' ? sourced(one, first) : undefined;
    if (value !== undefined) waits.set(`${one.name} ${hostOf(one)}`, value);
    const named = balancerIn(first);
    const balancer = sectionOf(one, 'proxy')?.flatMap(word => balancerIn(word) ?? [])[0] ?? named;
    const target = one.name === 'balancermember' ? targetOf(one, named === undefined ? one.args : one.args.slice(1)) : undefined;
    if (balancer !== undefined && target !== undefined) members.set(balancer, [...(members.get(balancer) ?? []), target]);
  }
  const passes: ProxyPass[] = [];
  for (const one of placed) {
    if ((one.name !== 'proxypass' && one.name !== 'proxypassmatch') || passes.length >= mostPasses) continue;
    // Within a <Location> the path stands in the section.
    const location = sectionOf(one, 'location') ?? sectionOf(one, 'locationmatch');
    const [written, rest] = location === undefined ? [one.args[0], one.args.slice(1)] : [location.at(-1), one.args];
    const isPattern = one.name === 'proxypassmatch' || location?.[0] === '~' || sectionOf(one, 'locationmatch') !== undefined;
    const balancer = balancerIn(rest[0] ?? '');
    const target = balancer === undefined ? targetOf(one, rest) : undefined;
    const targets = balancer === undefined ? (target === undefined ? [] : [target]) : (members.get(balancer) ?? []);
    const host = hostOf(one);
    const waitMs = ['proxytimeout', 'timeout'].flatMap(name => waits.get(`${name} ${host}`) ?? waits.get(`${name} `) ?? [])[0] ?? byDefault;
    if (targets.length > 0)
      passes.push({ name: `Apache ProxyPass ${written ?? ''}`, targets, waitMs, ...(isPattern || written?.startsWith('/') !== true ? {} : { path: written }) });
  }
  return passes;
}

const byDefault: Sourced<number> = { value: 60_000, source: 'default of Apache', text: 'Timeout 60' };

function hostOf({ within }: PlacedDirective): string {
  return within.find(section => section.startsWith('virtualhost#')) ?? '';
}

/** The words of the section of that name around it. */
function sectionOf({ within }: PlacedDirective, name: string): readonly string[] | undefined {
  const section = within.findLast(one => one.startsWith(`${name}#`));
  return section === undefined ? undefined : section.split(' ').slice(1);
}

function balancerIn(text: string): string | undefined {
  return /^balancer:\/\/([^\s/]{1,200})/.exec(text)?.[1];
}

function targetOf(one: PlacedDirective, args: readonly string[]): ProxyTarget | undefined {
  const url = args[0] ?? '';
  // `unix:/run/x.sock|http://localhost/`
  const socket = url.startsWith('unix:') ? (url.split('|')[0] ?? '') : undefined;
  const web = /^(https?|h2c?|wss?):\/\/([^/\s]{1,300})/.exec(url);
  if (socket === undefined && web === null) return undefined;
  const address = parseListenAddress(socket ?? web?.[2] ?? '', { defaultPort: web?.[1] === 'https' || web?.[1] === 'wss' ? 443 : 80 });
  const option = args.find(arg => arg.toLowerCase().startsWith('timeout='));
  const wait = option === undefined ? undefined : sourced(one, option.slice('timeout='.length));
  return address === undefined ? undefined : { address, ...(wait === undefined ? {} : { waitMs: wait }) };
}

/** Apache's times are seconds unless they carry a unit. */
function sourced({ source, text }: PlacedDirective, time: string): Sourced<number> | undefined {
  const match = /^(\d{1,9})(ms|s|mi|min|h)?$/i.exec(time);
  if (match === null) return undefined;
  const factor = { ms: 1, s: 1000, mi: 60_000, min: 60_000, h: 3_600_000 }[(match[2] ?? 's').toLowerCase()] ?? 1000;
  return { value: Number(match[1]) * factor, source, text: text.slice(0, 400) };
}
