import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './upstream-buffers-refused.ts';

const site = (location: string, http = '', server = ''): string =>
  `events {}\nhttp {\n${http}\nserver { listen 80; ${server} location / { ${location} } }\n}\n`;
const pass = 'proxy_pass http://192.0.2.1;';

testLintRule(rule, {
  fires: {
    'more room for the header alone': {
      text: site(`proxy_buffer_size 16k; ${pass}`),
      at: ['proxy_buffer_size 16k'],
      says: '28k',
      fixed: site(`proxy_buffer_size 16k; proxy_buffers 8 16k; ${pass}`),
    },
    'nothing is passed on in that block': { text: site('proxy_buffer_size 32k;'), at: ['proxy_buffer_size 32k'] },
    'busy ones smaller than one': { text: site('proxy_buffers 4 16k; proxy_busy_buffers_size 8k;'), at: ['proxy_buffers 4 16k'], says: 'less than a single' },
    'all of them busy': { text: site('proxy_buffers 4 16k; proxy_busy_buffers_size 64k;'), at: ['proxy_buffers 4 16k'], says: '48k' },
    'a single buffer': { text: site('proxy_buffers 1 64k;'), at: ['proxy_buffers 1 64k'], says: 'at least 2' },
    'two FastCGI buffers': { text: site('fastcgi_buffers 2 4k; fastcgi_pass 127.0.0.1:9000;'), at: ['fastcgi_buffers 2 4k'] },
    'a temporary file smaller than a buffer': {
      text: site('proxy_max_temp_file_size 4k; proxy_buffer_size 8k;'),
      at: ['proxy_buffer_size 8k'],
      says: 'proxy_max_temp_file_size',
    },
    'a server whose locations are right': {
      text: site('proxy_buffers 8 64k;', '', 'proxy_buffer_size 64k;'),
      at: ['proxy_buffer_size 64k'],
    },
    'written for all servers': { text: site('return 204;', 'proxy_buffer_size 64k;'), at: ['proxy_buffer_size 64k'] },
  },
  silent: {
    '8k fits into the default': { text: site(`proxy_buffer_size 8k; ${pass}`) },
    'all three as they belong': { text: site('proxy_buffer_size 128k; proxy_buffers 4 256k; proxy_busy_buffers_size 256k;') },
    'one in http and one in the server': { text: site(pass, 'proxy_buffer_size 16k;', 'proxy_buffers 8 16k;') },
    'FastCGI has buffers of its own': { text: site('proxy_buffers 8 64k; proxy_buffer_size 32k; fastcgi_pass 127.0.0.1:9000;') },
    'no temporary file': { text: site('proxy_max_temp_file_size 0;') },
    'a file that was not read may hold the other': { text: site('include /etc/nginx/b.conf; proxy_buffer_size 64k;'), unread: ['/etc/nginx/b.conf'] },
    'http without a server': { text: 'events {}\nhttp { proxy_buffer_size 64k; }\n' },
  },
});
