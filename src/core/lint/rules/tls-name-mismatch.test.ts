import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './tls-name-mismatch.ts';

const pass = (inside: string, above = ''): string => `events {}\nhttp {\n${above}\nserver { listen 80; location / { ${inside} } }\n}\n`;
const group = 'upstream api { server api.example.com:443; }';

testLintRule(rule, {
  fires: {
    'a group is verified': { text: pass('proxy_ssl_verify on; proxy_pass https://api;', group), at: ['https://api'], says: 'does not match' },
    'a group of addresses is verified': {
      text: pass('proxy_ssl_verify on; proxy_pass https://api;', 'upstream api { server 192.0.2.1:443; }'),
      at: ['https://api'],
      severity: 'notice',
    },
    'an address is verified': { text: pass('proxy_ssl_verify on; proxy_pass https://192.0.2.1;'), at: ['https://192.0.2.1'], severity: 'warning' },
    'the name of a group is said': { text: pass('proxy_ssl_server_name on; proxy_pass https://api;', group), at: ['https://api'], severity: 'warning' },
    'over gRPC, switched on further out': { text: pass('grpc_pass grpcs://api;', `grpc_ssl_verify on; ${group}`), at: ['grpcs://api'] },
  },
  silent: {
    'the name is written': { text: pass('proxy_ssl_verify on; proxy_ssl_name api.example.com; proxy_pass https://api;', group) },
    'the name is written further out': { text: pass('proxy_ssl_server_name on; proxy_pass https://api;', `proxy_ssl_name $host; ${group}`) },
    'a name is verified': { text: pass('proxy_ssl_verify on; proxy_pass https://api.example.com:8443/;') },
    'a group that has the name of the service': {
      text: pass('proxy_ssl_server_name on; proxy_pass https://api.example.com;', 'upstream api.example.com { server 192.0.2.1:443; }'),
    },
    'nothing is verified and nothing said': { text: pass('proxy_pass https://api;', group) },
    'the name of a group of addresses is said': { text: pass('proxy_ssl_server_name on; proxy_pass https://api;', 'upstream api { server 192.0.2.1:443; }') },
    'no TLS': { text: pass('proxy_ssl_verify on; proxy_pass http://api;', group) },
  },
});
