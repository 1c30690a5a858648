import { cookie, header } from '../marks.ts';
import { nginxPage } from '../pages.ts';
import { defineProduct } from '../product.ts';
import nginx from './nginx.ts';

/** Alibaba's nginx; none of it was seen by badhop. */
export default defineProduct({
  id: 'tengine',
  title: 'Tengine',
  role: 'web-server',
  relayedServer: 'replaces',
  namesItself: true,
  versionAfter: 'Tengine/',
  marks: [
    { see: nginxPage('tengine'), tells: 'page', basis: 'memory', says: "nginx's error page with Tengine's name in the last line" },
    { see: header('server', { starts: 'tengine' }), tells: 'path', basis: 'memory', says: 'Tengine puts its name on what it passes on' },
    { see: cookie('acw_tc'), tells: 'path', basis: 'memory', says: "a cookie of Alibaba's load balancer" },
  ],
  meanings: nginx.meanings,
});
