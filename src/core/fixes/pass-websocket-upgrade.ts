import { defineFix } from '../model/fix.ts';
import type { ConfigDirective, NginxConfig, Setting } from '../model/facts/nginx.ts';
import { valueOr } from '../model/fact.ts';
import type { Facts } from '../model/facts.ts';
import type { FixPlan } from '../model/finding.ts';
import { numberOf, textOf } from '../model/fix-data.ts';
import { directivesOf, editSteps, type TextChange } from '../model/nginx-edits.ts';
import { insideOf } from '../model/nginx-locations.ts';
import { reloadNginx, takenUp } from '../model/nginx-reload.ts';
import { isTaken, upgradeVariable } from '../model/upgrade-headers.ts';

/** Passes the handshake on in that location: HTTP/1.1 and the two headers, and every header that it set before. */
export default defineFix({
  id: 'pass-websocket-upgrade',
  fixes: ['websocket-upgrade-missing'],
  plan(finding, facts) {
    const name = finding.subject.name;
    const plan = changesFor(finding.fixData, facts);
    const steps = plan === undefined ? [] : editSteps(valueOr(facts['nginx-config'], []), plan);
    if (steps.length === 0) return byHand(name, facts);
    return {
      id: 'pass-websocket-upgrade',
      summary: `Let ${name} pass the upgrade to a WebSocket on`,
      automatic: true,
      risk: 'low',
      minutes: 2,
      ...takenUp(facts, steps),
      verify: 'A WebSocket opens through nginx: the access log has it with status 101.',
    };
  },
});

function byHand(name: string, facts: Facts): FixPlan {
  return {
    id: 'pass-websocket-upgrade',
    summary: `Let ${name} pass the upgrade to a WebSocket on`,
    automatic: false,
    risk: 'low',
    minutes: 5,
    steps: [
      {
        kind: 'manual',
        text: 'In that location write "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;", and repeat there every other proxy_set_header that it needs: a block with one of its own inherits none.',
        commands: ['nginx -t', ...commandOf(reloadNginx(facts))],
      },
    ],
    validate: [],
    verify: 'A WebSocket opens through nginx: the access log has it with status 101.',
  };
}

function commandOf(step: FixPlan['steps'][number]): readonly string[] {
  return step.kind === 'command' ? [step.argv.join(' ')] : [];
}

function changesFor(data: Readonly<Record<string, unknown>> | undefined, facts: Facts): readonly TextChange[] | undefined {
  const configs = valueOr(facts['nginx-config'], []);
  const path = textOf(data, 'path');
  const start = numberOf(data, 'start');
  const route = valueOr(facts.topology, undefined)?.routes.find(one => one.id === textOf(data, 'routeId'));
  for (const config of configs) {
    const location = [...directivesOf(config)].find(
      ({ directive }) => directive.name === 'location' && directive.path === path && directive.start === start,
    )?.directive;
    if (location === undefined || route === undefined) continue;
    const server = serverOf(config, facts, route.serverId);
    return server === undefined ? undefined : changesIn({ config, location, server, inherited: route.headers, isShared: data?.['isShared'] !== false });
  }
  return undefined;
}

function serverOf(config: NginxConfig, facts: Facts, id: string): ConfigDirective | undefined {
  const origin = valueOr(facts.topology, undefined)?.servers.find(one => one.id === id)?.origin;
  return [...directivesOf(config)].find(
    ({ directive: one }) => one.name === 'server' && one.block !== undefined && one.path === origin?.path && one.line === origin.line,
  )?.directive;
}

interface Place {
  readonly config: NginxConfig;
  readonly location: ConfigDirective;
  readonly server: ConfigDirective;
  /** In force there, in order. */
  readonly inherited: readonly Setting[];
  /** It takes plain requests too. */
  readonly isShared: boolean;
}

/** Undefined where a line that others share would have to be changed. */
function changesIn(place: Place): readonly TextChange[] | undefined {
  const { config, location, inherited } = place;
  const inside = insideOf(location.block);
  const own = inside.filter(one => one.name === 'proxy_set_header');
  const anchor =
    own.findLast(one => one.path === location.path) ??
    inside.find(one => one.path === location.path && one.name.endsWith('_pass')) ??
    inside.find(one => one.path === location.path);
  if (anchor === undefined) return undefined;
  const changes: TextChange[] = [];
  const added: string[] = [];
  // The first line of its own ends the inheritance of all the others: they are written down beside it.
  if (own.length === 0) {
    for (const setting of inherited) {
      const text = isOfHandshake(setting.args[0]) ? undefined : textAt(config, setting);
      if (text !== undefined) added.push(text);
    }
  }
  const connection = connectionFor(place);
  if (connection.map !== undefined) changes.push(connection.map);
  const wanted = [
    ['upgrade', 'Upgrade', '$http_upgrade'],
    ['connection', 'Connection', connection.value],
  ] as const;
  for (const [key, name, value] of wanted) {
    const line = own.findLast(one => one.args[0]?.value.toLowerCase() === key);
    const token = line?.args[1];
    if (line === undefined) added.push(`proxy_set_header ${name} ${value};`);
    else if (token === undefined || line.path !== location.path) return undefined;
    else if (key === 'connection' || !token.value.includes('$http_upgrade')) changes.push({ path: line.path, start: token.start, end: token.end, text: value });
  }
  const version = inside.findLast(one => one.name === 'proxy_http_version');
  const [number] = version?.args ?? [];
  if (version === undefined || number === undefined) added.unshift('proxy_http_version 1.1;');
  else if (number.value !== '1.1') {
    if (version.path !== location.path) return undefined;
    changes.push({ path: version.path, start: number.start, end: number.end, text: '1.1' });
  }
  if (added.length > 0) changes.push(insertion(config, location, anchor, added));
  return changes;
}

function isOfHandshake(name: string | undefined): boolean {
  return ['upgrade', 'connection'].includes(name?.toLowerCase() ?? '');
}

/** The line as it is written where it is inherited from. */
function textAt(config: NginxConfig, { directive, origin, args }: Setting): string | undefined {
  if (origin.kind !== 'file') return undefined;
  const line = [...directivesOf(config)].find(
    ({ directive: one }) => one.name === directive && one.path === origin.path && one.line === origin.line && one.args[0]?.value === args[0],
  )?.directive;
  const text = line === undefined ? undefined : config.files.find(file => file.path === line.path)?.text.slice(line.start, line.end);
  return text?.includes('\n') === false ? text : undefined;
}

/** A variable that says `upgrade` to a WebSocket alone, where the location takes other requests; it is made where there is none. */
function connectionFor({ config, server, inherited, isShared }: Place): { readonly value: string; readonly map?: TextChange } {
  const there = upgradeVariable(config);
  if (there !== undefined) return { value: there };
  if (!isShared) return { value: '"upgrade"' };
  const name = ['$connection_upgrade', '$upgrade_connection', '$connection_of_upgrade'].find(one => !isTaken(one, config)) ?? '$connection_upgrade';
  const before = inherited.findLast(one => one.args[0]?.toLowerCase() === 'connection')?.args[1];
  const otherwise = before === '' ? "''" : before === undefined || /[^\w-]/.test(before) || before.toLowerCase() === 'upgrade' ? 'close' : before;
  const indent = indentOf(config, server);
  const lines = [`map $http_upgrade ${name} {`, '    default upgrade;', `    '' ${otherwise};`, '}', ''];
  const text = `${lines.map((line, index) => (index === 0 || line === '' ? line : `${indent}${line}`)).join('\n')}\n${indent}`;
  return { value: name, map: { path: server.path, start: server.start, end: server.start, text } };
}

/** Behind the anchor: on lines of their own, or on its line where the whole block stands on one. */
function insertion(config: NginxConfig, location: ConfigDirective, anchor: ConfigDirective, added: readonly string[]): TextChange {
  const text = config.files.find(file => file.path === anchor.path)?.text ?? '';
  const isOnOneLine = !text.slice(location.start, location.end).includes('\n');
  const separator = isOnOneLine ? ' ' : `\n${indentOf(config, anchor)}`;
  return { path: anchor.path, start: anchor.end, end: anchor.end, text: added.map(line => `${separator}${line}`).join('') };
}

function indentOf(config: NginxConfig, directive: ConfigDirective): string {
  const text = config.files.find(file => file.path === directive.path)?.text ?? '';
  const from = text.lastIndexOf('\n', directive.start - 1) + 1;
  return /^[ \t]*/.exec(text.slice(from, directive.start))?.[0] ?? '';
}
