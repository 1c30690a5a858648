import type { Scope } from './scopes.ts';

const surely = /(?:^|[/(|])(?:websockets?|wss)(?:[/)|]|$)/i;
const perhaps = /(?:^|[/(|])(?:ws|websockets?|wss|socket\.io|sockjs(?:-node)?|cable|signalr|webpack-hmr)(?:[/)|]|$)/i;

/** Whether a location's path says that it is for WebSockets: `/websocket`, `/wss/`. */
export function isSurelySocket(scope: Scope): boolean {
  return surely.test(pathOf(scope));
}

/** Whether a location's path is one that programs use for WebSockets, and now and then for something else: `/ws`, `/socket.io/`, `/cable`. */
export function mayBeSocket(scope: Scope): boolean {
  return perhaps.test(pathOf(scope));
}

function pathOf({ kind, directive }: Scope): string {
  if (kind !== 'location') return '';
  return (directive?.args.at(-1)?.value ?? '').slice(0, 500).replaceAll(/[\\^$]/g, '');
}
