import { namedIn, parseTime } from '../derive/directives.ts';
import type { ConfigDirective, ConfigToken } from '../model/facts/nginx.ts';
import { writtenAddress, type WrittenAddress } from './addresses.ts';
import type { Scope } from './scopes.ts';

/** An `upstream` block of http or of stream. */
export interface LintUpstream {
  readonly name: string;
  readonly layer: Scope['layer'];
  readonly directive: ConfigDirective;
  readonly scope: Scope;
  readonly members: readonly LintMember[];
}

/** A `server` of an upstream, or the address in a pass, which is a group of one. */
export interface LintMember {
  readonly directive: ConfigDirective;
  /** The address. */
  readonly token: ConfigToken;
  readonly address: WrittenAddress;
  readonly isDown: boolean;
  readonly isBackup: boolean;
  readonly resolves: boolean;
  /** 1 unless written; 0 switches the counting off. */
  readonly maxFails: number;
  readonly failTimeoutMs: number;
}

/** A parameter of a directive: the token of `max_fails=3` and what stands behind its `=`. */
export function parameter(directive: ConfigDirective, name: string): { readonly token: ConfigToken; readonly value: string } | undefined {
  const token = directive.args.slice(1).find(arg => arg.value.startsWith(`${name}=`));
  return token === undefined ? undefined : { token, value: token.value.slice(name.length + 1) };
}

export function upstreamsOf(scopes: readonly Scope[]): readonly LintUpstream[] {
  return scopes.flatMap(scope => {
    const { directive, kind, layer } = scope;
    const name = directive?.args[0]?.value;
    if (kind !== 'upstream' || directive === undefined || name === undefined) return [];
    return [{ name, layer, directive, scope, members: namedIn(scope.inside, 'server').flatMap(memberOf) }];
  });
}

function memberOf(directive: ConfigDirective): readonly LintMember[] {
  const [token, ...rest] = directive.args;
  if (token === undefined) return [];
  const flags = new Set(rest.map(arg => arg.value));
  return [
    {
      directive,
      token,
      address: writtenAddress(token.value),
      isDown: flags.has('down'),
      isBackup: flags.has('backup'),
      resolves: flags.has('resolve'),
      maxFails: Number(parameter(directive, 'max_fails')?.value ?? 1),
      failTimeoutMs: parseTime(parameter(directive, 'fail_timeout')?.value ?? '') ?? 10_000,
    },
  ];
}
