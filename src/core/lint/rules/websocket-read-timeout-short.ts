import { headerValueFor } from '../header-values.ts';
import { headerOf } from '../passes.ts';
import { defineLintRule, spotOf } from '../rule.ts';
import { isPlainSocket, mayBeSocket } from '../websocket-paths.ts';
import { spokenTime } from '../words.ts';

/** Programs for WebSockets, Socket.IO and its likes, ask for a sign of life every 20 to 30 seconds; nginx's default of 60 s lets that pass. */
const usualPingMs = 30_000;

export default defineLintRule({
  meta: {
    id: 'websocket-read-timeout-short',
    title: 'A WebSocket is cut where nothing is said for a short time',
    severity: 'notice',
  },
  *check(view) {
    for (const pass of view.passes) {
      if (pass.kind !== 'proxy' || !mayBeSocket(pass.scope)) continue;
      const upgrade = headerOf(pass, 'upgrade');
      if (upgrade === undefined || headerValueFor(pass.scope, upgrade.value, 'websocket') !== 'websocket') continue;
      const { at, isSure, ms } = pass.setting('read_timeout');
      const isShort = at === undefined ? isSure && isPlainSocket(pass.scope) : ms !== undefined && ms !== 0 && ms < usualPingMs;
      if (ms === undefined || !isShort) continue;
      yield {
        at: spotOf(at ?? pass.directive),
        message: `nginx cuts a connection on which the backend says nothing for ${spokenTime(ms)}${at === undefined ? ', the default' : ''}, a WebSocket too: users see it break and connect again.`,
        advice: 'Set `proxy_read_timeout 1h;` in this location, or let the backend send a ping more often than that.',
        ...(at === undefined ? {} : { related: [{ at: spotOf(pass.directive), text: 'WebSockets are passed on here.' }] }),
      };
    }
  },
});
