import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './upgrade-changed-defaults.ts';

const site = (location: string, http = '', server = 'listen 80;'): string => `events {}\nhttp {\n${http}\nserver { ${server} location / { ${location} } }\n}\n`;
const group = 'upstream app { server 192.0.2.1:80; }';
const kept = { version: '1.28.0', upgradeTo: '1.30.0' };

testLintRule(rule, {
  fires: {
    'a group whose connections will be kept': {
      ...kept,
      text: site('proxy_pass http://app;', group),
      at: ['proxy_pass http://app'],
      says: '1.29.7',
      fixed: site('proxy_http_version 1.0; proxy_pass http://app;', group),
    },
    'told once for a group': { ...kept, text: site('proxy_pass http://app; } location /b { proxy_pass http://app;', group), at: ['proxy_pass http://app'] },
    'HTTP/1.1 was written, and Connection was not': {
      ...kept,
      text: site('proxy_http_version 1.1; proxy_pass http://app;', group),
      at: ['proxy_pass http://app'],
    },
    'an address speaks HTTP/1.1 then': {
      ...kept,
      text: site('proxy_pass http://192.0.2.1;'),
      at: ['proxy_pass http://192.0.2.1'],
      severity: 'notice',
      fixed: site('proxy_http_version 1.0; proxy_pass http://192.0.2.1;'),
    },
    'headers that are refused': {
      version: '1.22.1',
      upgradeTo: '1.23.1',
      text: site('fastcgi_pass 127.0.0.1:9000;'),
      at: ['fastcgi_pass 127.0.0.1:9000'],
      severity: 'notice',
      says: 'Content-Length',
    },
    'TLS 1.3 to an upstream': {
      version: '1.23.3',
      upgradeTo: '1.24.0',
      text: site('proxy_pass https://192.0.2.1;'),
      at: ['proxy_pass https://192.0.2.1'],
      says: 'TLS 1.3',
    },
    'no TLS 1.0 to an upstream': {
      version: '1.26.3',
      upgradeTo: '1.28.0',
      text: site('grpc_pass grpcs://192.0.2.1;'),
      at: ['grpc_pass grpcs://192.0.2.1'],
      severity: 'notice',
      says: 'neither TLS 1.0',
    },
    'no TLS 1.0 from clients': {
      version: '1.26.3',
      upgradeTo: '1.28.0',
      text: site('return 204;', '', 'listen 443 ssl;'),
      at: ['server'],
      severity: 'notice',
    },
    'a directive that is gone': {
      version: '1.24.0',
      upgradeTo: '1.26.0',
      text: site('return 204;', 'ssl off;'),
      at: ['ssl off'],
      severity: 'error',
      fixed: site('return 204;', ''),
    },
    'a parameter that is deprecated': {
      version: '1.24.0',
      upgradeTo: '1.26.0',
      text: site('return 204;', '', 'listen 443 ssl http2; ssl_protocols TLSv1.2;'),
      at: ['listen 443 ssl http2'],
      severity: 'notice',
    },
    'sizes that are ignored': {
      version: '1.18.0',
      upgradeTo: '1.22.1',
      text: site('return 204;', 'http2_max_field_size 16k;'),
      at: ['http2_max_field_size 16k'],
      severity: 'notice',
    },
  },
  silent: {
    'no upgrade is planned': { version: '1.28.0', text: site('proxy_pass http://app;', group) },
    'an upgrade that goes over nothing': { version: '1.24.0', upgradeTo: '1.25.0', text: site('proxy_pass http://app;', group) },
    'it is newer already': { version: '1.29.7', upgradeTo: '1.31.5', text: site('proxy_pass http://app;', group) },
    'both are written': { ...kept, text: site('proxy_pass http://app;', `${group} proxy_http_version 1.1; proxy_set_header Connection "";`) },
    'the older way is written': { ...kept, text: site('proxy_http_version 1.0; proxy_pass http://app;', group) },
    'the connection is closed on purpose': { ...kept, text: site('proxy_set_header Connection close; proxy_pass http://app;', group) },
    'another module': { ...kept, text: site('fastcgi_pass app;', group) },
    'the protocols are written': { version: '1.22.1', upgradeTo: '1.28.0', text: site('return 204;', 'ssl_protocols TLSv1.2;', 'listen 443 ssl;') },
    'a file that was not read may say it': {
      ...kept,
      text: site('include /etc/nginx/proxy.conf; proxy_pass http://app;', group),
      unread: ['/etc/nginx/proxy.conf'],
    },
  },
});
