import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './localhost-ipv6-mismatch.ts';

const server = (inside: string, http = ''): string => `events {}\nhttp {\n${http}\nserver { listen 80; ${inside} }\n}\n`;

testLintRule(rule, {
  fires: {
    'in a pass': { text: server('location / { proxy_pass http://localhost:3000/; }'), at: ['http://localhost:3000/'], says: '[::1]' },
    'in a group that is passed to twice': {
      text: server('location / { proxy_pass http://app; } location /b { proxy_pass http://app; }', 'upstream app { server LOCALHOST:3000; }'),
      at: ['LOCALHOST:3000'],
    },
  },
  silent: {
    'an address': { text: server('location / { proxy_pass http://127.0.0.1:3000; }') },
    'a group that is called so': { text: server('location / { proxy_pass http://localhost; }', 'upstream localhost { server 127.0.0.1:1; }') },
    'another name that begins so': { text: server('location / { proxy_pass http://localhost.example:3000; }') },
    'a group that nobody passes to': { text: server('return 204;', 'upstream app { server localhost:3000; }') },
    'marked down': { text: server('location / { proxy_pass http://app; }', 'upstream app { server localhost:1 down; server 127.0.0.1:1; }') },
  },
});
