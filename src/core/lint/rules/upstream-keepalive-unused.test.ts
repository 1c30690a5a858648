import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './upstream-keepalive-unused.ts';

const site = (location: string, http = '', upstream = 'keepalive 16;'): string =>
  `events {}\nhttp {\n${http}\nupstream app { server 192.0.2.1:80; ${upstream} }\nserver { listen 80; location / { ${location} } }\n}\n`;
const map = (plain: string): string => `map $http_upgrade $connection_upgrade { default upgrade; '' ${plain}; }`;

testLintRule(rule, {
  fires: {
    'nothing else is written, before 1.29.7': {
      text: site('proxy_pass http://app;'),
      version: '1.28.0',
      at: ['keepalive 16'],
      says: 'speaks HTTP/1.0 by default and sends `Connection: close` by default',
      fixed: site('proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://app;'),
    },
    'HTTP/1.1 alone, before 1.29.7': {
      text: site('proxy_http_version 1.1; proxy_pass http://app;'),
      version: '1.22.1',
      at: ['keepalive 16'],
      fixed: site('proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://app;'),
    },
    'the empty header is lost where a location has one of its own': {
      text: site('proxy_set_header X-A b; proxy_pass http://app;', 'proxy_http_version 1.1; proxy_set_header Connection "";'),
      version: '1.28.0',
      at: ['keepalive 16'],
    },
    'the header says close, after 1.29.7': {
      text: site('proxy_set_header Connection close; proxy_pass http://app;'),
      at: ['keepalive 16'],
      says: '`close`',
      fixed: site('proxy_set_header Connection ""; proxy_pass http://app;'),
    },
    'HTTP/1.0 is written': { text: site('proxy_http_version 1.0; proxy_pass http://app;'), at: ['keepalive 16'] },
    'the map of the documentation for WebSockets': {
      text: site('proxy_http_version 1.1; proxy_set_header Connection $connection_upgrade; proxy_pass http://app;', map('close')),
      version: '1.28.0',
      at: ['keepalive 16'],
    },
    'a pass in a condition, where the lines may not stand': {
      text: site('if ($arg_a) { proxy_pass http://app; }'),
      version: '1.28.0',
      at: ['keepalive 16'],
    },
    'one location of two': {
      text: site('proxy_pass http://app; } location /a { proxy_http_version 1.0; proxy_pass http://app;'),
      at: ['keepalive 16'],
      severity: 'notice',
    },
    'FastCGI that closes': {
      text: site('fastcgi_pass app;'),
      at: ['keepalive 16'],
      says: 'fastcgi_keep_conn',
      fixed: site('fastcgi_keep_conn on; fastcgi_pass app;'),
    },
  },
  silent: {
    'as it should be': { text: site('proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://app;'), version: '1.22.1' },
    'inherited from http': { text: site('proxy_pass http://app;', 'proxy_http_version 1.1; proxy_set_header Connection "";'), version: '1.22.1' },
    'the defaults since 1.29.7': { text: site('proxy_pass http://app;'), version: '1.29.7' },
    'no keepalive is asked for': { text: site('proxy_pass http://app;', '', ''), version: '1.22.1' },
    'switched off on purpose': { text: site('proxy_http_version 1.0; proxy_pass http://app;', '', 'keepalive 0;') },
    'the map leaves plain requests alone': {
      text: site('proxy_http_version 1.1; proxy_set_header Connection $connection_upgrade; proxy_pass http://app;', map("''")),
      version: '1.28.0',
    },
    'gRPC keeps its connections': { text: site('grpc_pass grpc://app;'), version: '1.22.1' },
    'a variable that nobody knows': { text: site('proxy_http_version 1.1; proxy_set_header Connection $http_connection; proxy_pass http://app;') },
    'headers that were not read': {
      text: site('include /etc/nginx/proxy_headers; proxy_pass http://app;'),
      version: '1.28.0',
      unread: ['/etc/nginx/proxy_headers'],
    },
  },
});
