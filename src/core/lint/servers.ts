import type { ConfigDirective } from '../model/facts/nginx.ts';
import { writtenAddress } from './addresses.ts';
import { own, type Scope } from './scopes.ts';

/** A `server` block of http or of stream. */
export interface LintServer {
  readonly scope: Scope;
  readonly layer: Scope['layer'];
  readonly directive: ConfigDirective;
  readonly names: readonly string[];
  readonly listens: readonly LintListen[];
}

export interface LintListen {
  readonly directive: ConfigDirective;
  /** `*` for all addresses of IPv4, `::` for all of IPv6. */
  readonly host: string;
  readonly port: number;
  /** Of a unix socket; host and port mean nothing then. */
  readonly path?: string;
  readonly parameters: ReadonlySet<string>;
  readonly isTls: boolean;
}

export function serversOf(scopes: readonly Scope[]): readonly LintServer[] {
  return scopes.flatMap(scope => {
    const { directive, kind, layer } = scope;
    if (kind !== 'server' || directive === undefined || (layer !== 'http' && layer !== 'stream')) return [];
    const names = own(scope, 'server_name').flatMap(one => one.args.map(arg => arg.value.toLowerCase()));
    const oldTls = own(scope, 'ssl').some(one => one.args[0]?.value === 'on');
    const listens = own(scope, 'listen').map(one => listenOf(one, oldTls));
    // nginx of a server without `listen`: port 80 of every address, as root.
    const fallback: LintListen[] = scope.isWhole && layer === 'http' ? [{ directive, host: '*', port: 80, parameters: new Set(), isTls: oldTls }] : [];
    return [{ scope, layer, directive, names, listens: listens.length > 0 ? listens : fallback }];
  });
}

/** `listen 8080`, `listen *:80`, `listen 127.0.0.1`, `listen [::]:443 ssl`, `listen unix:/run/x.sock`. */
function listenOf(directive: ConfigDirective, oldTls: boolean): LintListen {
  const [first, ...rest] = directive.args.map(arg => arg.value);
  const text = first ?? '';
  const parameters = new Set(rest);
  const isTls = oldTls || parameters.has('ssl') || parameters.has('quic');
  if (text.startsWith('unix:')) return { directive, host: '', port: 0, path: text.slice(5), parameters, isTls };
  if (/^\d{1,5}$/.test(text)) return { directive, host: '*', port: Number(text), parameters, isTls };
  const { host = '', port = 80 } = writtenAddress(text);
  return { directive, host: host === '0.0.0.0' || host === '' ? '*' : host, port, parameters, isTls };
}
