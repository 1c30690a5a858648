/** What may tell failing requests from others: the values that a line has in each dimension. */
import type { OverRepresented } from '../../model/logs-report.ts';
import { isAddress, networkOf } from '../clients.ts';
import { urlTemplate } from '../url-template.ts';
import { failingPeers } from './groups.ts';
import type { ReadLine } from './sample-lines.ts';

export type Dimension = OverRepresented['dimension'];

/** Of two that tell the same, the one that stands first here is told. */
export const dimensions = [
  'url',
  'size',
  'peer',
  'method',
  'host',
  'server',
  'client',
  'network',
  'user-agent',
  'protocol',
] as const satisfies readonly Dimension[];

/** In the order of `dimensions`; undefined where there is none. */
export type Values = readonly (string | undefined)[];

/** A request's values. Its size is a number, and told by limits: see `sizeOf`. */
export function valuesOf({ values, outcome }: ReadLine): Values {
  const request = values.request ?? '';
  const uri = present(values.uri ?? wordOf(request, 1));
  const client = withoutPort(present(values.client));
  const isClient = client !== undefined && isAddress(client);
  const agent = present(values['user-agent']);
  const peer = failingPeers(outcome).at(-1) ?? outcome.peer;
  return [
    uri === undefined ? undefined : unlessEmpty(urlTemplate(uri)),
    undefined,
    // A group's name stands for no peer: it is there only where none could be asked.
    peer !== undefined && isPeer(peer) ? peer : undefined,
    unlessEmpty(outcome.method),
    present(values.host)?.toLowerCase(),
    unlessEmpty(outcome.server),
    isClient ? unlessEmpty(client) : undefined,
    isClient ? networkOf(client) : undefined,
    agent === undefined ? undefined : unlessEmpty(agentFamily(agent)),
    present(values.protocol ?? wordOf(request, 2)),
  ];
}

/** Between single spaces. */
function wordOf(text: string, index: number): string | undefined {
  let from = 0;
  for (let passed = 0; passed < index; passed += 1) {
    from = text.indexOf(' ', from) + 1;
    if (from === 0) return undefined;
  }
  const to = text.indexOf(' ', from);
  return to === -1 ? text.slice(from) : text.slice(from, to);
}

/** HAProxy and the load balancers of AWS write the port of the connection too. */
function withoutPort(client: string | undefined): string | undefined {
  if (client === undefined || !(client.includes(':') || client.startsWith('['))) return client;
  const [, bare = client] = /^(\d{1,3}(?:\.\d{1,3}){3}|\[[\da-fA-F:.]+\]):\d{1,5}$/u.exec(client) ?? [];
  return bare.replace(/^\[(.*)\]$/u, '$1');
}

/** Bytes of the request; NaN where the log does not say. */
export function sizeOf({ values }: ReadLine): number {
  return /^\d{1,15}$/u.test(values.received ?? '') ? Number(values.received) : Number.NaN;
}

/** An address (without a port as Cloudflare writes that of an origin), a socket, or a server of HAProxy with its backend before it: `app/s7`. */
export function isPeer(name: string): boolean {
  return name.startsWith('unix:') || /:\d{1,5}$/u.test(name) || /^[^\s/:]+\/[^\s/<]+$/u.test(name) || isAddress(name);
}

const families = new Map<string, string>();
const mostFamilies = 4096;

/** `Chrome`, `Firefox`, `curl`, `Googlebot`: what the client is, without its versions. */
function agentFamily(text: string): string {
  const known = families.get(text);
  if (known !== undefined) return known;
  const family = familyOf(text);
  if (families.size < mostFamilies) families.set(text, family);
  return family;
}

function familyOf(text: string): string {
  const start = text.slice(0, 512);
  // Most have none of the words, which is known much sooner than that the pattern fits nowhere.
  const robot = /bot|crawler|spider/iu.test(start) ? /\b([\w.-]{0,30}(?:bot|crawler|spider))\b/iu.exec(start)?.[1] : undefined;
  if (robot !== undefined) return robot;
  const browser = browsers.find(([mark]) => text.includes(mark))?.[1];
  if (browser !== undefined) return browser;
  return (/^[^\s/(;]{1,60}/u.exec(text)?.[0] ?? text.slice(0, 60)).replace(/\d{2,}/gu, '{n}');
}

const browsers = [
  ['Edg', 'Edge'],
  ['OPR/', 'Opera'],
  ['SamsungBrowser/', 'Samsung Internet'],
  ['CriOS/', 'Chrome'],
  ['Chrome/', 'Chrome'],
  ['FxiOS/', 'Firefox'],
  ['Firefox/', 'Firefox'],
  ['Safari/', 'Safari'],
] as const;

function present(value: string | undefined): string | undefined {
  return value === undefined || value === '' || value === '-' ? undefined : value;
}

function unlessEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
