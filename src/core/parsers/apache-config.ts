/**
 * Apache's configuration, one file at a time: directives and the sections around them. Includes are followed by whoever
 * reads the files. Source: Apache 2.4 "Configuration Files" and the manual of mod_proxy (`ProxyPass`, `ProxyTimeout`, `BalancerMember`). Sample:
 *
 *   <VirtualHost *:80>
 *       ProxyTimeout 30
 *       ProxyPass "/shop" "http://127.0.0.1:8081/" timeout=20 retry=0
 *   </VirtualHost>
 */
import type { Sourced } from '../model/facts/backend.ts';
import type { ProxyPass, ProxyTarget } from '../model/facts/timeouts.ts';
import { parseListenAddress } from './listen-address.ts';

const maxLines = 50_000;
const mostPasses = 2000;

export interface ApacheDirective {
  /** In lower case. */
  readonly name: string;
  readonly args: readonly string[];
  readonly line: number;
  readonly text: string;
  /** The sections that it stands in, outermost first: `virtualhost#12 *:80`. A number tells two of one name apart. */
  readonly within: readonly string[];
}

/** Directives in their order. Sections that only make conditions (`<IfModule>`, `<IfDefine>`) are taken as true. */
export function parseApacheConfig(text: string): readonly ApacheDirective[] {
  const found: ApacheDirective[] = [];
  const within: string[] = [];
  const lines = text.split('\n', maxLines);
  for (let index = 0; index < lines.length; index++) {
    const line = index + 1;
    let whole = (lines[index] ?? '').slice(0, 8192).trim();
    while (whole.endsWith('\\') && index + 1 < lines.length && whole.length < 8192) whole = `${whole.slice(0, -1)} ${(lines[++index] ?? '').trim()}`;
    if (whole === '' || whole.startsWith('#')) continue;
    if (whole.startsWith('</')) {
      within.pop();
      continue;
    }
    const words = wordsOf(whole.startsWith('<') ? whole.slice(1).replace(/>\s{0,100}$/, '') : whole);
    const [name = '', ...args] = words;
    if (whole.startsWith('<')) within.push(`${name.toLowerCase()}#${line} ${args.join(' ').slice(0, 500)}`);
    else found.push({ name: name.toLowerCase(), args, line, text: whole.slice(0, 400), within: [...within] });
  }
  return found;
}

/** A directive with the file that it stands in: what an Apache loads, includes in their place. */
export interface PlacedDirective {
  readonly path: string;
  readonly directive: ApacheDirective;
}

/** What is passed on, and how long each waits: its own `timeout=`, else `ProxyTimeout`, else `Timeout`, of its virtual host before that of all. */
export function apachePasses(placed: readonly PlacedDirective[]): readonly ProxyPass[] {
  const hostOf = ({ path, directive }: PlacedDirective): string => {
    const host = directive.within.find(section => section.startsWith('virtualhost#'));
    return host === undefined ? '' : `${path} ${host}`;
  };
  const waits = new Map<string, Sourced<number>>();
  const members = new Map<string, ProxyTarget[]>();
  for (const one of placed) {
    const { name, args } = one.directive;
    if (name === 'proxytimeout' || name === 'timeout') {
      const value = sourced(one, args[0] ?? '');
      if (value !== undefined) waits.set(`${name} ${hostOf(one)}`, value);
    }
    const balancer = one.directive.within.map(section => /^proxy#\d+ balancer:\/\/([^\s/]+)/.exec(section)?.[1]).find(Boolean);
    const named = /^balancer:\/\/([^\s/]+)/.exec(args[0] ?? '')?.[1];
    if (name === 'balancermember' && (balancer ?? named) !== undefined) {
      const key = balancer ?? named ?? '';
      const target = targetOf(one, named === undefined ? args : args.slice(1));
      if (target !== undefined) members.set(key, [...(members.get(key) ?? []), target]);
    }
  }
  const passes: ProxyPass[] = [];
  for (const one of placed) {
    const { name, args, within } = one.directive;
    if ((name !== 'proxypass' && name !== 'proxypassmatch') || passes.length >= mostPasses) continue;
    // Within a <Location> the path stands in the section.
    const location = within.map(section => /^location#\d+ (\S+)$/.exec(section)?.[1]).find(Boolean);
    const isInLocation = within.some(section => section.startsWith('location'));
    const rest = isInLocation ? args : args.slice(1);
    const path = name === 'proxypassmatch' ? undefined : isInLocation ? location : args[0];
    const balancer = /^balancer:\/\/([^\s/]+)/.exec(rest[0] ?? '')?.[1];
    const own = optionOf(one, rest, 'timeout');
    const target = balancer === undefined ? targetOf(one, rest) : undefined;
    const targets = balancer === undefined ? (target === undefined ? [] : [target]) : (members.get(balancer) ?? []);
    const host = hostOf(one);
    const wait =
      (balancer === undefined ? undefined : own) ??
      waits.get(`proxytimeout ${host}`) ??
      waits.get('proxytimeout ') ??
      waits.get(`timeout ${host}`) ??
      waits.get('timeout ') ??
      ({ value: 60_000, source: 'default of Apache', text: 'Timeout 60' } satisfies Sourced<number>);
    if (targets.length > 0)
      passes.push({ name: `Apache ProxyPass ${path ?? args[0] ?? ''}`, targets, waitMs: wait, ...(path?.startsWith('/') === true ? { path } : {}) });
  }
  return passes;
}

function targetOf(one: PlacedDirective, args: readonly string[]): ProxyTarget | undefined {
  const url = args[0] ?? '';
  // `unix:/run/x.sock|http://localhost/`
  const socket = url.startsWith('unix:') ? url.slice(0, url.indexOf('|') < 0 ? undefined : url.indexOf('|')) : undefined;
  const web = /^(https?|h2c?|ws|wss):\/\/([^/\s]+)/.exec(url);
  if (socket === undefined && web === null) return undefined;
  const address = parseListenAddress(socket ?? web?.[2] ?? '', { defaultPort: web?.[1] === 'https' || web?.[1] === 'wss' ? 443 : 80 });
  const wait = optionOf(one, args, 'timeout');
  return address === undefined ? undefined : { address, ...(wait === undefined ? {} : { waitMs: wait }) };
}

function optionOf(one: PlacedDirective, args: readonly string[], option: string): Sourced<number> | undefined {
  const word = args.find(arg => arg.toLowerCase().startsWith(`${option}=`));
  return word === undefined ? undefined : sourced(one, word.slice(option.length + 1));
}

/** Apache's times are seconds unless they carry a unit. */
function sourced({ path, directive }: PlacedDirective, text: string): Sourced<number> | undefined {
  const match = /^(\d{1,9})(ms|s|mi|min|h)?$/i.exec(text);
  if (match === null) return undefined;
  const factor = { ms: 1, s: 1000, mi: 60_000, min: 60_000, h: 3_600_000 }[(match[2] ?? 's').toLowerCase()] ?? 1000;
  return { value: Number(match[1]) * factor, source: `file:${path}:${directive.line}`, text: directive.text };
}

function wordsOf(text: string): string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  let started = false;
  for (const character of text) {
    if (quote !== '') {
      if (character === quote) quote = '';
      else word += character;
    } else if (character === '"' || character === "'") {
      quote = character;
      started = true;
    } else if (character === ' ' || character === '\t') {
      if (started || word !== '') words.push(word);
      word = '';
      started = false;
    } else word += character;
  }
  if (started || word !== '') words.push(word);
  return words;
}
