import type { Scope } from './scopes.ts';

const surely = /(?:^|[/(|])(?:websockets?|wss)(?:[/)|]|$)/i;
/** Without the programs that ask for a sign of life by themselves: Socket.IO, SockJS, Action Cable, SignalR. */
const plain = /(?:^|[/(|])(?:ws|websockets?|wss)(?:[/)|]|$)/i;
const perhaps = /(?:^|[/(|])(?:ws|websockets?|wss|socket\.io|sockjs(?:-node)?|cable|signalr|webpack-hmr)(?:[/)|]|$)/i;

/** Whether a location's path says that it is for WebSockets: `/websocket`, `/wss/`. */
export function isSurelySocket(scope: Scope): boolean {
  return surely.test(pathOf(scope));
}

/** Whether a location's path is one that programs use for WebSockets, and now and then for something else: `/ws`, `/socket.io/`, `/cable`. */
export function mayBeSocket(scope: Scope): boolean {
  return perhaps.test(pathOf(scope));
}

/** Whether a location's path is one for WebSockets of a program's own, of which nobody knows whether they ask for signs of life. */
export function isPlainSocket(scope: Scope): boolean {
  return plain.test(pathOf(scope));
}

function pathOf({ kind, directive }: Scope): string {
  if (kind !== 'location') return '';
  return (directive?.args.at(-1)?.value ?? '').slice(0, 500).replaceAll(/[\\^$]/g, '');
}
