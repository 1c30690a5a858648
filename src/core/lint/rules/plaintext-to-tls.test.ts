import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './plaintext-to-tls.ts';

const http = (inside: string): string => `events {}\nhttp {\n${inside}\n}\n`;
const pass = (directive: string, above = ''): string => http(`${above}\nserver { listen 8088; location / { ${directive} } }`);

testLintRule(rule, {
  fires: {
    'port 443': { text: pass('proxy_pass http://api.example.com:443/;'), at: ['http://api.example.com:443/'] },
    'port 443 in a group': { text: pass('proxy_pass http://api;', 'upstream api { server 192.0.2.1:443; }'), at: ['192.0.2.1:443'] },
    'port 8443': { text: pass('grpc_pass 192.0.2.1:8443;'), at: ['192.0.2.1:8443'], severity: 'warning' },
    'a port of nginx with ssl': {
      text: pass('proxy_pass http://localhost:8090;', 'server { listen 127.0.0.1:8090 ssl; return 204; }'),
      at: ['http://localhost:8090'],
      says: 'with `ssl`',
    },
    'in the old form': {
      text: pass('proxy_pass http://127.0.0.1:8090;', 'server { listen 8090; ssl on; return 204; }'),
      at: ['http://127.0.0.1:8090'],
      severity: 'error',
    },
  },
  silent: {
    'with TLS': { text: pass('proxy_pass https://api.example.com:443;') },
    'nginx listens on 8443 without': { text: pass('proxy_pass http://127.0.0.1:8443;', 'server { listen 8443; return 204; }') },
    'TCP is handed on in stream': { text: 'events {}\nstream { server { listen 443; proxy_pass 192.0.2.1:443; } }' },
    'a socket': { text: pass('proxy_pass http://unix:/run/443.sock;') },
  },
});
