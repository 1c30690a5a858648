import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './logging-not-ready.ts';

const site = (location: string, { path = '/', server = '', http = '' } = {}): string =>
  `events {}\nhttp {\n${http}\nserver { listen 80; ${server} location ${path} { ${location} proxy_pass http://192.0.2.1; } }\n}\n`;
const main = `log_format main '$remote_addr - $remote_user [$time_local] "$request" $status' ' $body_bytes_sent';`;
const timed = `log_format timed '$remote_addr [$time_local] "$request" $status us=$upstream_status ua=\${upstream_addr} ' 'uht=$upstream_header_time';`;

testLintRule(rule, {
  fires: {
    "nginx.org's own format": {
      text: site('', { http: `${main} access_log /var/log/nginx/access.log main;` }),
      at: ['main'],
      says: '$upstream_addr, $upstream_status',
    },
    'combined by name': { text: site('', { server: 'access_log /var/log/nginx/shop.log combined;' }), at: ['access_log /var/log/nginx/shop.log combined'] },
    'a log of the site itself': { text: site('', { server: 'access_log /var/log/nginx/shop.log;' }), at: ['access_log /var/log/nginx/shop.log'] },
    'a part of what is needed': {
      text: site('', { http: "log_format x '$status $upstream_addr $upstream_response_time'; access_log /l x;" }),
      at: ['x'],
      says: 'lacks $upstream_status, $upstream_header_time',
    },
    'not logged': { text: site('access_log off;', { path: '/api/' }), at: ['access_log off'], says: 'not logged' },
    'used by two servers, told once': {
      text: `http { ${main} access_log /l main; server { location / { proxy_pass http://192.0.2.1; } } server { location / { fastcgi_pass 127.0.0.1:1; } } }`,
      at: ['main'],
    },
  },
  silent: {
    'all that is needed': { text: site('', { http: `${timed} access_log /l timed;` }) },
    'one of two logs has it': { text: site('', { http: `${main} ${timed} access_log /l main; access_log /m timed;` }) },
    "a distribution's line for all sites": { text: site('', { http: 'access_log /var/log/nginx/access.log;' }) },
    'nothing is written': { text: site('') },
    'health checks are not logged': { text: site('access_log off;', { path: '= /healthz' }) },
    'pictures are not logged': { text: site('access_log off;', { path: '~* \\.(?:css|js|png)$' }) },
    'the format is in a file that was not read': {
      text: site('', { http: 'include /etc/nginx/formats.conf; access_log /l mine;' }),
      unread: ['/etc/nginx/formats.conf'],
    },
    'nothing is passed on': { text: `http { ${main} access_log /l main; server { location / { root /srv; } } }` },
  },
});
