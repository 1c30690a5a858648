import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './tls-to-plaintext.ts';

const http = (inside: string): string => `events {}\nhttp {\n${inside}\n}\n`;
const pass = (directive: string, above = ''): string => http(`${above}\nserver { listen 8088; location / { ${directive} } }`);

testLintRule(rule, {
  fires: {
    'a server of a group without a port': {
      text: pass('proxy_pass https://api;', 'upstream api { server api.example.com; }'),
      at: ['api.example.com'],
      says: 'that means 80',
    },
    'port 80': { text: pass('proxy_pass https://192.0.2.1:80;'), at: ['https://192.0.2.1:80'] },
    'gRPC over TLS to port 80': { text: pass('grpc_pass grpcs://api.example.com:80;'), at: ['grpcs://api.example.com:80'] },
    'a port of nginx without ssl': {
      text: pass('proxy_pass https://127.0.0.1:8090;', 'server { listen 8090; return 204; }'),
      at: ['https://127.0.0.1:8090'],
      says: 'without `ssl`',
    },
    'once with and once without': {
      text: http('server { location / { proxy_pass http://127.0.0.1:9443; } location /b { proxy_pass https://127.0.0.1:9443; } }'),
      at: ['proxy_pass https://127.0.0.1:9443'],
      severity: 'warning',
    },
  },
  silent: {
    'an address without a port has 443': { text: pass('proxy_pass https://api.example.com;') },
    'a group with ports': { text: pass('proxy_pass https://api;', 'upstream api { server api.example.com:443; }') },
    'a port of nginx with ssl': { text: pass('proxy_pass https://127.0.0.1:8090;', 'server { listen 8090 ssl; return 204; }') },
    'the same port on another machine': { text: pass('proxy_pass https://192.0.2.9:8090;', 'server { listen 8090; return 204; }') },
    'both schemes with their own ports': {
      text: http('server { location / { proxy_pass http://api.example.com; } location /b { proxy_pass https://api.example.com; } }'),
    },
  },
});
