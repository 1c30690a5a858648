import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './retries-off.ts';

const site = (inside: string, servers = 'server 192.0.2.1:80; server 192.0.2.2:80;'): string =>
  `events {}\nhttp {\nupstream app { ${servers} }\nserver { listen 80; ${inside} }\n}\n`;

testLintRule(rule, {
  fires: {
    'off, in the server': { text: site('proxy_next_upstream off; location / { proxy_pass http://app; }'), at: ['proxy_next_upstream off'] },
    'one try': { text: site('location / { fastcgi_next_upstream_tries 1; fastcgi_pass app; }'), at: ['fastcgi_next_upstream_tries 1'] },
  },
  silent: {
    'on again further in': { text: site('proxy_next_upstream off; location / { proxy_next_upstream error; proxy_pass http://app; }') },
    'one server': { text: site('proxy_next_upstream off; location / { proxy_pass http://app; }', 'server 192.0.2.1:80;') },
    'the second is marked down': {
      text: site('proxy_next_upstream off; location / { proxy_pass http://app; }', 'server 192.0.2.1:80; server 192.0.2.2:80 down;'),
    },
    'two tries': { text: site('proxy_next_upstream_tries 2; location / { proxy_pass http://app; }') },
  },
});
