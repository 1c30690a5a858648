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

export type Values = Readonly<Partial<Record<Dimension, string>>>;

/** A request's values. Its size is a number, and told by limits: see `sizeOf`. */
export function valuesOf({ values, outcome }: ReadLine): Values {
  const [, target, protocol] = (values.request ?? '').split(' ');
  const uri = present(values.uri ?? target);
  const client = withoutPort(present(values.client));
  const isClient = client !== undefined && isAddress(client);
  const network = isClient ? networkOf(client) : undefined;
  const agent = present(values['user-agent']);
  const peer = failingPeers(outcome).at(-1) ?? outcome.peer;
  const all: { -readonly [D in Dimension]?: string } = {};
  const set = (dimension: Dimension, value: string | undefined): void => {
    if (value !== undefined && value !== '') all[dimension] = value;
  };
  set('url', uri === undefined ? undefined : urlTemplate(uri));
  // A group's name stands for no peer: it is there only where none could be asked.
  if (peer !== undefined && isPeer(peer)) set('peer', peer);
  set('method', outcome.method);
  set('host', present(values.host)?.toLowerCase());
  set('server', outcome.server);
  if (isClient) set('client', client);
  set('network', network);
  if (agent !== undefined) set('user-agent', agentFamily(agent));
  set('protocol', present(values.protocol ?? protocol));
  return all;
}

/** HAProxy and the load balancers of AWS write the port of the connection too. */
function withoutPort(client: string | undefined): string | undefined {
  const [, bare = client] = /^(\d{1,3}(?:\.\d{1,3}){3}|\[[\da-fA-F:.]+\]):\d{1,5}$/u.exec(client ?? '') ?? [];
  return bare?.replace(/^\[(.*)\]$/u, '$1');
}

/** Bytes of the request; NaN where the log does not say. */
export function sizeOf({ values }: ReadLine): number {
  return /^\d{1,15}$/u.test(values.received ?? '') ? Number(values.received) : Number.NaN;
}

/** An address with its port, a socket, or a server of HAProxy with its backend before it: `app/s7`. */
export function isPeer(name: string): boolean {
  return name.startsWith('unix:') || /:\d{1,5}$/u.test(name) || /^[^\s/:]+\/[^\s/<]+$/u.test(name);
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
  const robot = /\b([\w.-]{0,30}(?:bot|crawler|spider))\b/iu.exec(text.slice(0, 512))?.[1];
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
