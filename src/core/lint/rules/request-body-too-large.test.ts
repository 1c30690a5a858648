import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './request-body-too-large.ts';

const site = (path: string, location: string, http = ''): string => `events {}\nhttp {\n${http}\nserver { listen 80; location ${path} { ${location} } }\n}\n`;
const pass = 'proxy_pass http://192.0.2.1;';
const php = (value: string, more = ''): string => site('~ \\.php$', `fastcgi_param PHP_VALUE "${value}"; ${more} fastcgi_pass 127.0.0.1:9000;`);
const chain = (outer: string, inner: string): string =>
  `http { server { listen 80; location / { ${outer} proxy_pass http://127.0.0.1:8081; } } server { listen 8081; location / { ${inner} ${pass} } } }`;

testLintRule(rule, {
  fires: {
    'a place for uploads with the default': { text: site('/api/upload', pass), at: ['location /api/upload'], says: '1m' },
    'an expression': { text: site('~ ^/(files|attachments)/', pass), at: ['location ~ ^/(files|attachments)/'], severity: 'notice' },
    'PHP takes more': { text: php('upload_max_filesize=64M'), at: ['fastcgi_param PHP_VALUE "upload_max_filesize=64M"'], says: 'PHP takes 64m' },
    'PHP takes more than what is written': {
      text: php('memory_limit=1G \n post_max_size = 20M', 'client_max_body_size 8m;'),
      at: ['4:fastcgi_param PHP_VALUE "memory_limit=1G '],
    },
    'the inner server takes less': { text: chain('client_max_body_size 50m;', ''), at: ['client_max_body_size 50m'], says: '1m by default' },
    'no limit outside': { text: chain('client_max_body_size 0;', 'client_max_body_size 10m;'), at: ['client_max_body_size 0'], says: 'any size' },
  },
  silent: {
    'set in the location': { text: site('/api/upload', `client_max_body_size 50m; ${pass}`) },
    'set for all': { text: site('/api/upload', pass, 'client_max_body_size 50m;') },
    'switched off': { text: site('/uploads/', `client_max_body_size 0; ${pass}`) },
    'files that were uploaded': { text: site('/uploads/', 'root /srv;') },
    'nothing but reading is allowed': { text: site('/upload/', `limit_except GET { deny all; } ${pass}`) },
    'another word': { text: site('/important/', pass) },
    'PHP takes less': { text: php('upload_max_filesize=512K') },
    'both hops take the same': { text: chain('client_max_body_size 50m;', 'client_max_body_size 50m;') },
    'a file that was not read may say it': { text: site('/upload', `include /etc/nginx/body.conf; ${pass}`), unread: ['/etc/nginx/body.conf'] },
  },
});
