/** Names under which servers take WebSockets: of libraries, of frameworks, and what people call the path themselves. */
const words: ReadonlySet<string> = new Set([
  'ws',
  'wss',
  'websocket',
  'websockets',
  'web-socket',
  'socket',
  'sockets',
  'socket.io',
  'engine.io',
  'sockjs',
  'sockjs-node',
  'cable',
  'actioncable',
  'signalr',
  'hub',
  'hubs',
  'mqtt',
  'stomp',
  'xmpp-websocket',
  'realtime',
  'subscriptions',
  'graphql-ws',
  'channels',
  'livereload',
  'reverb',
  'chat',
]);

/** Whether a part of the path is a name that servers give to WebSockets. A hint of what to ask, and no proof. */
export function soundsLikeSocket(path: string): boolean {
  return path
    .slice(0, 512)
    .toLowerCase()
    .split('/')
    .some(part => words.has(part) || part.split(/[-_.]/).some(piece => piece === 'ws' || piece === 'websocket'));
}
