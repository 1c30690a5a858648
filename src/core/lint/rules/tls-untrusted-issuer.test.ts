import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './tls-untrusted-issuer.ts';

const pass = (inside: string, above = ''): string => `events {}\nhttp {\n${above}\nserver { listen 80; location / { ${inside} } }\n}\n`;

testLintRule(rule, {
  fires: {
    'in a location': { text: pass('proxy_ssl_verify on; proxy_pass https://api.example.com;'), at: ['proxy_ssl_verify on'], says: 'does not start' },
    'at the http level, once for two passes': {
      text: pass('proxy_pass https://a.example.com; } location /b { proxy_pass https://b.example.com;', 'proxy_ssl_verify on;'),
      at: ['proxy_ssl_verify on'],
    },
    'over gRPC': { text: pass('grpc_ssl_verify on; grpc_pass grpcs://api.example.com;'), at: ['grpc_ssl_verify on'] },
  },
  silent: {
    'one is trusted, further out': { text: pass('proxy_ssl_verify on; proxy_pass https://api.example.com;', 'proxy_ssl_trusted_certificate /etc/ca.pem;') },
    'no TLS is spoken': { text: pass('proxy_ssl_verify on; proxy_pass http://api.example.com;') },
    'switched off again': { text: pass('proxy_ssl_verify off; proxy_pass https://api.example.com;', 'proxy_ssl_verify on;') },
    'it may be in a file that was not read': {
      text: pass('proxy_ssl_verify on; proxy_pass https://api.example.com;', 'include /etc/nginx/tls.conf;'),
      unread: ['/etc/nginx/tls.conf'],
    },
  },
});
