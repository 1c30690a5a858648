/** Names that servers give to nothing but WebSockets: of libraries, of frameworks, and what people call the path themselves. */
const names: ReadonlySet<string> = new Set([
  'ws',
  'wss',
  'websocket',
  'websockets',
  'web-socket',
  'socket.io',
  'engine.io',
  'sockjs',
  'sockjs-node',
  'cable',
  'actioncable',
  'signalr',
  'xmpp-websocket',
  'graphql-ws',
]);

/** Names that they have beside others. */
const hints: ReadonlySet<string> = new Set([
  'socket',
  'sockets',
  'hub',
  'hubs',
  'mqtt',
  'stomp',
  'realtime',
  'subscriptions',
  'channels',
  'livereload',
  'reverb',
  'chat',
  'live',
  'stream',
]);

/** Whether a part of the path is a name that servers may give to WebSockets. A hint of what to ask, and no proof. */
export function soundsLikeSocket(path: string): boolean {
  return isNamedSocket(path) || partsOf(path).some(part => hints.has(part));
}

/** Whether a part of the path is a name of nothing but WebSockets. */
export function isNamedSocket(path: string): boolean {
  return partsOf(path).some(part => names.has(part) || part.split(/[-_.]/).some(piece => piece === 'ws' || piece === 'websocket'));
}

function partsOf(path: string): readonly string[] {
  const end = path.indexOf('?');
  return path
    .slice(0, end === -1 ? 512 : Math.min(end, 512))
    .toLowerCase()
    .split('/');
}
