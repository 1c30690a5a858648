import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './setting-of-other-pass.ts';

const site = (location: string, http = ''): string => `events {}\nhttp {\n${http}\nserver { listen 80; location / { ${location} } }\n}\n`;

testLintRule(rule, {
  fires: {
    'a read timeout for PHP': {
      text: site('proxy_read_timeout 300s; fastcgi_pass 127.0.0.1:9000;'),
      at: ['proxy_read_timeout 300s'],
      says: '`fastcgi_read_timeout`',
      fixed: site('fastcgi_read_timeout 300s; fastcgi_pass 127.0.0.1:9000;'),
    },
    'buffers for uWSGI': { text: site('proxy_buffers 8 16k; uwsgi_pass 127.0.0.1:3031;'), at: ['proxy_buffers 8 16k'] },
    'headers for gRPC': { text: site('proxy_set_header Host $host; grpc_pass grpc://127.0.0.1:1;'), at: ['proxy_set_header Host $host'] },
    'in a file that others may include': {
      text: {
        '/etc/nginx/nginx.conf': site('include /etc/nginx/t.conf; fastcgi_pass 127.0.0.1:9000;'),
        '/etc/nginx/t.conf': 'proxy_read_timeout 300s;\n',
      },
      at: ['proxy_read_timeout 300s'],
      severity: 'notice',
    },
  },
  silent: {
    'its own': { text: site('fastcgi_read_timeout 300s; fastcgi_pass 127.0.0.1:9000;') },
    'both are set': { text: site('proxy_read_timeout 300s; fastcgi_read_timeout 300s; fastcgi_pass 127.0.0.1:9000;') },
    'its own is set further out': { text: site('proxy_read_timeout 300s; fastcgi_pass 127.0.0.1:9000;', 'fastcgi_read_timeout 300s;') },
    'set for all at a level above': { text: site('fastcgi_pass 127.0.0.1:9000;', 'proxy_read_timeout 300s;') },
    'a nested location reads it': {
      text: site('proxy_read_timeout 300s; fastcgi_pass 127.0.0.1:9000; location /a { proxy_pass http://127.0.0.1:1; }'),
    },
    'a directive that the module does not have': { text: site('proxy_buffering off; grpc_pass grpc://127.0.0.1:1;') },
  },
});
