import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './proxy-loop.ts';

const http = (inside: string): string => `events {}\nhttp {\n${inside}\n}\n`;

testLintRule(rule, {
  fires: {
    'to its own port': {
      text: http('server { listen 80; location / { proxy_pass http://127.0.0.1; } }'),
      at: ['http://127.0.0.1'],
      says: 'this very location',
    },
    'to its own port and name': {
      text: http(
        'server { listen 80 default_server; return 204; }\nserver { listen 80; server_name shop.example; location / { proxy_set_header Host $host; proxy_pass http://localhost:80; } }',
      ),
      at: ['http://localhost:80'],
    },
    'through a group': {
      text: http('upstream app { server 127.0.0.1:8080; }\nserver { listen 8080; location /app { proxy_pass http://app; } }'),
      at: ['http://app'],
    },
    'through a named location': {
      text: http('server { listen 8080; location / { try_files $uri @app; } location @app { proxy_pass http://127.0.0.1:8080; } }'),
      at: ['http://127.0.0.1:8080'],
    },
    'by its own address': { text: http('server { listen 192.0.2.1:443 ssl; location / { proxy_pass https://192.0.2.1; } }'), at: ['https://192.0.2.1'] },
    'through another server': {
      text: http(
        'server { listen 8001; location / { proxy_pass http://127.0.0.1:8002; } }\nserver { listen 8002; location / { proxy_pass http://127.0.0.1:8001; } }',
      ),
      at: ['http://127.0.0.1:8002'],
      says: '2 passes',
    },
    'to its own name': {
      text: http('server { listen 80; server_name shop.example; location / { proxy_pass http://shop.example; } }'),
      at: ['http://shop.example'],
      severity: 'warning',
      says: 'a name of this very server',
    },
  },
  silent: {
    'to its own name on a port that is not its own': {
      text: http('server { listen 80; server_name shop.example; location / { proxy_pass http://shop.example:8080; } }'),
    },
    'to a name of another server': {
      text: http(
        'server { listen 80; server_name a.example; location / { proxy_pass http://b.example; } }\nserver { listen 80; server_name b.example; location / { root /srv; } }',
      ),
    },
    'to its own name over TLS, which somebody else ends': {
      text: http('server { listen 80; server_name shop.example; location / { proxy_pass https://shop.example; } }'),
    },
    'to another server on the same port, by its name': {
      text: http(
        'server { listen 80; server_name a.example; location / { proxy_set_header Host b.example; proxy_pass http://127.0.0.1; } }\nserver { listen 80; server_name b.example; location / { root /srv; } }',
      ),
    },
    'the address itself is a name of another server': {
      text: http(
        'server { listen 80; server_name a.example; location / { proxy_pass http://127.0.0.1; } }\nserver { listen 80; server_name 127.0.0.1; location / { root /srv; } }',
      ),
    },
    'to the default server': {
      text: http(
        'server { listen 80 default_server; location / { root /srv; } }\nserver { listen 80; server_name a.example; location / { proxy_pass http://127.0.0.1; } }',
      ),
    },
    'to another location': { text: http('server { listen 80; location /a/ { proxy_pass http://127.0.0.1/b/; } location /b/ { root /srv; } }') },
    'to a port of its own': {
      text: http('server { listen 80; location / { proxy_pass http://127.0.0.1:8080; } }\nserver { listen 8080; location / { root /srv; } }'),
    },
    'another machine has the same port': { text: http('server { listen 80; location / { proxy_pass http://192.0.2.9; } }') },
    'listens on another address only': { text: http('server { listen 192.0.2.1:80; location / { proxy_pass http://127.0.0.1; } }') },
    'TLS in front, plain behind': { text: http('server { listen 443 ssl; listen 127.0.0.1:80; location / { proxy_pass https://127.0.0.1:80; } }') },
    'a condition stands before it': { text: http('server { listen 80; location / { if ($http_x_seen) { return 204; } proxy_pass http://127.0.0.1; } }') },
  },
});
