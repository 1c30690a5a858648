import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './max-fails-amplification.ts';

const site = (inside: string, servers = 'server 192.0.2.1:80; server 192.0.2.2:80;'): string =>
  `events {}\nhttp {\nupstream app { ${servers} }\nserver { listen 80; location / { ${inside} proxy_pass http://app; } }\n}\n`;

testLintRule(rule, {
  fires: {
    'a 500 counts': { text: site('proxy_next_upstream error timeout http_500;'), at: ['http_500'], says: 'default of 1' },
    'a 429 counts, with three': {
      text: site('proxy_next_upstream error http_429;', 'server 192.0.2.1:80 max_fails=3 fail_timeout=1m; server 192.0.2.2:80 max_fails=3;'),
      at: ['http_429'],
      says: 'for 60 s',
    },
  },
  silent: {
    'only what says that a server is away': { text: site('proxy_next_upstream error timeout http_502 http_503 http_504;') },
    'not counted': { text: site('proxy_next_upstream error http_500;', 'server 192.0.2.1:80 max_fails=0; server 192.0.2.2:80 max_fails=0;') },
    'one server is never taken out': { text: site('proxy_next_upstream error http_500;', 'server 192.0.2.1:80;') },
    'the tries are bounded': {
      text: site('proxy_next_upstream http_500; proxy_next_upstream_tries 2;', 'server 192.0.2.1:80; server 192.0.2.2:80; server 192.0.2.3:80;'),
    },
    'set for another pass': {
      text: 'events {}\nhttp {\nupstream app { server 192.0.2.1:80; server 192.0.2.2:80; }\nserver { location / { proxy_pass http://app; } location /a { proxy_next_upstream http_500; proxy_pass http://192.0.2.1; } }\n}\n',
    },
  },
});
