import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './keepalive-race.ts';

const modern = 'proxy_http_version 1.1; proxy_set_header Connection "";';
const site = (upstream: string, inner = '', location = modern): string =>
  `events {}\nhttp {\nupstream app { ${upstream} }\nserver { listen 80; location / { ${location} proxy_pass http://app; } }\n${inner}\n}\n`;
const inner = (inside: string): string => `server { listen 127.0.0.1:8081; ${inside} return 204; }`;

testLintRule(rule, {
  fires: {
    'another server of this file closes sooner': {
      text: site('server 127.0.0.1:8081; keepalive 8;', inner('keepalive_timeout 20s;')),
      version: '1.22.1',
      at: ['keepalive 8'],
      says: '60 s by default',
      fixed: site('server 127.0.0.1:8081; keepalive 8; keepalive_timeout 12s;', inner('keepalive_timeout 20s;')),
    },
    'just as long': {
      text: site('server 127.0.0.1:8081; keepalive 8; keepalive_timeout 65;', inner('keepalive_timeout 65 65;')),
      version: '1.22.1',
      at: ['keepalive_timeout 65'],
      fixed: site('server 127.0.0.1:8081; keepalive 8; keepalive_timeout 39s;', inner('keepalive_timeout 65 65;')),
    },
    'kept by default since 1.29.7': {
      text: site('server 127.0.0.1:8081;', inner('keepalive_timeout 1s;'), ''),
      at: ['upstream app'],
      fixed: site('server 127.0.0.1:8081; keepalive_timeout 600ms;', inner('keepalive_timeout 1s;'), ''),
    },
    'a socket that is called after its program': {
      text: site('server unix:/run/shop-gunicorn.sock; keepalive 8;'),
      at: ['keepalive 8'],
      severity: 'notice',
      says: '--keep-alive',
    },
    'without a limit before 1.15.3': { text: site('server 127.0.0.1:8081; keepalive 8;', inner('')), version: '1.14.2', at: ['keepalive 8'] },
  },
  silent: {
    'the inner one waits longer, by default': { text: site('server 127.0.0.1:8081; keepalive 8;', inner('')), version: '1.22.1' },
    'nginx closes first': { text: site('server 127.0.0.1:8081; keepalive 8; keepalive_timeout 10s;', inner('keepalive_timeout 20s;')), version: '1.22.1' },
    'no connection is kept': { text: site('server 127.0.0.1:8081;', inner('keepalive_timeout 5s;')), version: '1.28.0' },
    'each request ends its connection': { text: site('server 127.0.0.1:8081; keepalive 8;', inner('keepalive_timeout 5s;'), ''), version: '1.28.0' },
    'the inner one keeps none at all': { text: site('server 127.0.0.1:8081; keepalive 8;', inner('keepalive_timeout 0;')), version: '1.22.1' },
    'that server listens on another port': { text: site('server 127.0.0.1:8082; keepalive 8;', inner('keepalive_timeout 5s;')), version: '1.22.1' },
    'a socket that says nothing': { text: site('server unix:/run/shop.sock; keepalive 8;') },
    'the program in the path is not the file': { text: site('server unix:/srv/gunicorn/run/shop.sock; keepalive 8;') },
  },
});
