/**
 * Known nginx messages after their numbers and quoted words were taken out (the use `collapsed`), put back as they are in the table.
 *
 *     there must be at least 0 ""          of: there must be at least 2 "proxy_buffers"
 */
import { messagePatterns } from '../../parsers/nginx-messages-table.ts';

interface Collapsed {
  /** What stands between the holes. */
  readonly literals: readonly string[];
  readonly original: string;
}

const byStart: ReadonlyMap<string, readonly Collapsed[]> = group(
  messagePatterns
    .flatMap(([, pattern]): readonly Collapsed[] => {
      const collapsed = collapse(pattern);
      if (collapsed === pattern.replaceAll('{#}', '0').replaceAll('"{*}"', '""')) return [];
      const original = pattern.replaceAll('{#}', '0').replaceAll(/\{[*w]\}/gu, 'x');
      return [{ literals: collapsed.split(/\{[*w]\}/u), original }];
    })
    .sort((a, b) => weight(b) - weight(a)),
);

/** The message with the words of the table, where it is one that lost some of them; otherwise as it is. */
export function restoreMessage(message: string): string {
  for (const { literals, original } of byStart.get(message.slice(0, 2)) ?? []) {
    const end = endOf(message, literals);
    if (end !== -1) return original + message.slice(end);
  }
  return message;
}

/** Where the literals end, one behind the other from the message's start on; -1. */
function endOf(message: string, literals: readonly string[]): number {
  const [first = '', ...others] = literals;
  if (!message.startsWith(first)) return -1;
  let at = first.length;
  for (const literal of others) {
    const next = message.indexOf(literal, at);
    if (next === -1) return -1;
    at = next + literal.length;
  }
  return at === message.length || message[at] === ' ' || message[at] === ',' ? at : -1;
}

function collapse(pattern: string): string {
  return pattern
    .replaceAll('{#}', '0')
    .replaceAll(/"[^"]*(?:"|$)/gu, '""')
    .replaceAll(/(?<!\d)\d+/gu, (digits, at: number, whole: string) => (digits.length <= 3 && whole[at - 1] === '(' ? digits : '0'));
}

function weight({ literals }: Collapsed): number {
  return literals.join('').length;
}

function group(patterns: readonly Collapsed[]): ReadonlyMap<string, readonly Collapsed[]> {
  const groups = new Map<string, Collapsed[]>();
  for (const pattern of patterns) {
    const start = (pattern.literals[0] ?? '').slice(0, 2);
    const list = groups.get(start);
    if (list === undefined) groups.set(start, [pattern]);
    else list.push(pattern);
  }
  return groups;
}
