/** All formats, and how people call them. */
import type { LogFormat } from '../scan/format.ts';
import { apacheErrorFormats } from './apache-error.ts';
import { apache22ErrorFormats } from './apache-error-22.ts';
import { awsFormats } from './aws-alb.ts';
import { azureFormats } from './azure.ts';
import { behindHeader } from './behind-header.ts';
import { cloudflareFormats } from './cloudflare.ts';
import { combinedFormats, lookAlikeFormats } from './combined.ts';
import { gunicornErrorFormat } from './gunicorn.ts';
import { haproxyFormats, haproxyServerFormat } from './haproxy.ts';
import { nginxAccessFormats } from './nginx-access.ts';
import { nginxErrorFormats } from './nginx-error.ts';
import { phpFpmFormats } from './php-fpm.ts';
import { traceback, uwsgiFormats } from './uwsgi.ts';

/** In the order in which they are tried: what says more comes before what looks like it. */
const known: readonly LogFormat[] = [
  ...nginxAccessFormats,
  ...combinedFormats,
  ...nginxErrorFormats,
  ...apacheErrorFormats,
  ...apache22ErrorFormats,
  ...haproxyFormats,
  haproxyServerFormat,
  ...phpFpmFormats,
  gunicornErrorFormat,
  ...uwsgiFormats,
  ...awsFormats,
  ...azureFormats,
  ...cloudflareFormats,
];

/** Formats whose lines stand in one log. */
const families: readonly (readonly LogFormat[])[] = [
  nginxErrorFormats,
  apacheErrorFormats,
  apache22ErrorFormats,
  haproxyFormats,
  uwsgiFormats,
  phpFpmFormats.filter(({ kind }) => kind === 'access'),
];

/** Other names of formats; more than one where a log has lines of several. */
const aliases: Readonly<Record<string, readonly string[]>> = {
  'nginx-access': ['combined'],
  'nginx-combined': ['combined'],
  nginx: ['combined'],
  'nginx-main': ['combined-forwarded'],
  'apache-access': ['combined'],
  'apache-combined': ['combined'],
  'apache-common': ['common'],
  vhost_combined: ['vhost-combined'],
  'apache-vhost-combined': ['vhost-combined'],
  haproxy: ['haproxy-http', 'haproxy-tcp'],
  'php-fpm-error': ['php-fpm'],
  gunicorn: ['gunicorn-error'],
  tomcat: ['tomcat-access'],
  alb: ['aws-alb', 'aws-alb-2016'],
  'aws-elb': ['aws-clb'],
  clb: ['aws-clb'],
  azure: ['azure-application-gateway'],
  'azure-v1': ['azure-application-gateway-v1'],
  logpush: ['cloudflare'],
  ...Object.fromEntries(families.map(family => [family[0]?.id ?? '', family.map(({ id }) => id)])),
  'apache-error': [...apacheErrorFormats, ...apache22ErrorFormats].map(({ id }) => id),
  cloudflare: cloudflareFormats.map(({ id }) => id),
  'aws-alb': ['aws-alb', 'aws-alb-2016'],
};

const byId: ReadonlyMap<string, LogFormat> = new Map([...known, ...lookAlikeFormats].map(format => [format.id, format]));

/** Every format that a log is recognised as by itself. */
export function knownFormats(): readonly LogFormat[] {
  return known;
}

/**
 * The formats that a name stands for, in the order in which they are to be tried; none for a name that nobody knows. `+syslog` or
 * `+cri` behind it: with that header before each line.
 */
export function formatsByName(name: string): readonly LogFormat[] {
  const [wanted = '', header, ...more] = name.trim().toLowerCase().split('+');
  const ids = Object.hasOwn(aliases, wanted) ? (aliases[wanted] ?? []) : [wanted];
  const formats = ids.flatMap(id => byId.get(id) ?? []);
  if (header === undefined) return formats;
  return (header === 'syslog' || header === 'cri') && more.length === 0 ? formats.flatMap(format => behindHeader(format, header) ?? []) : [];
}

/** The format of a name: the first that it stands for. */
export function formatByName(name: string): LogFormat | undefined {
  return formatsByName(name)[0];
}

/** The names for help and for error messages, sorted: those that choose between logs, without the variants of one log. */
export function formatNames(): readonly string[] {
  const variants = new Set(families.flatMap(family => family.slice(1).map(({ id }) => id)));
  const inside = new Set([
    ...variants,
    ...[...apacheErrorFormats, ...apache22ErrorFormats].map(({ id }) => id),
    'cloudflare-unix',
    'cloudflare-unixnano',
    'aws-alb-2016',
  ]);
  const names = [...byId.keys()].filter(id => !inside.has(id));
  return [...new Set([...names, 'apache-error', 'haproxy', 'php-fpm-access-long', 'nginx-access', 'apache-access', 'gunicorn-access'])].sort();
}

const familyOf: ReadonlyMap<string, readonly LogFormat[]> = new Map(families.flatMap(family => family.map(({ id }) => [id, family] as const)));

/** The other formats of a log that has lines of this one. */
export function companionsOf(format: LogFormat): readonly LogFormat[] {
  const plain = plainId(format);
  return (familyOf.get(plain) ?? []).filter(({ id }) => id !== plain);
}

/** True for lines that tell nothing of the log that they stand in. */
export function isAnyones(format: LogFormat): boolean {
  return plainId(format) === traceback;
}

/** Without the header that its lines have before them. */
function plainId({ id }: LogFormat): string {
  const end = id.indexOf('+');
  return end === -1 ? id : id.slice(0, end);
}
