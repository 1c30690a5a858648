import { header } from '../marks.ts';
import { nginxPage } from '../pages.ts';
import { defineProduct } from '../product.ts';
import nginx from './nginx.ts';

/** nginx with Lua; Kong, APISIX and Nginx Proxy Manager are made of it. The name in its page was read in its source, not in the lab. */
export default defineProduct({
  id: 'openresty',
  title: 'OpenResty',
  role: 'web-server',
  relayedServer: 'replaces',
  namesItself: true,
  versionAfter: 'openresty/',
  logTells: 'In its access log $upstream_status is a status where a server behind it answered, and - where it answered alone.',
  marks: [
    { see: nginxPage('openresty'), tells: 'page', basis: 'field', says: "OpenResty's error page, with its name in the last line" },
    { see: header('server', { starts: 'openresty' }), tells: 'path', basis: 'field', says: 'OpenResty puts its name on all that it answers and passes on' },
  ],
  meanings: nginx.meanings,
});
