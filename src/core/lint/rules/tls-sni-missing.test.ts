import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './tls-sni-missing.ts';

const server = (inside: string, http = ''): string => `events {}\nhttp {\n${http}\nserver { listen 80; location / { ${inside} } }\n}\n`;

testLintRule(rule, {
  fires: {
    'a name': {
      text: server('proxy_pass https://api.example.com/v1;'),
      at: ['https://api.example.com/v1'],
      fixed: server('proxy_ssl_server_name on; proxy_pass https://api.example.com/v1;'),
    },
    'switched off further out': {
      text: server('grpc_pass grpcs://api.example.com;', 'grpc_ssl_server_name off;'),
      at: ['grpcs://api.example.com'],
      fixed: server('grpc_pass grpcs://api.example.com;', 'grpc_ssl_server_name on;'),
    },
    'a group of named servers': {
      text: server('proxy_pass https://api;', 'upstream api { server api.example.com:443; }'),
      at: ['https://api'],
    },
    'the name is written, and not said': {
      text: server('proxy_ssl_name api.example.com; proxy_pass https://api;', 'upstream api { server 192.0.2.1:443; }'),
      at: ['https://api'],
      fixed: server('proxy_ssl_name api.example.com; proxy_ssl_server_name on; proxy_pass https://api;', 'upstream api { server 192.0.2.1:443; }'),
    },
  },
  silent: {
    'on at the http level': { text: server('proxy_pass https://api.example.com;', 'proxy_ssl_server_name on;') },
    'the name is for the certificate alone': { text: server('proxy_ssl_verify on; proxy_ssl_name api.example.com; proxy_pass https://192.0.2.1;') },
    'no TLS': { text: server('proxy_pass http://api.example.com;') },
    'an address has no name to say': { text: server('proxy_pass https://192.0.2.1:8443;') },
    'a group of addresses': { text: server('proxy_pass https://api;', 'upstream api { server 192.0.2.1:443; }') },
  },
});
