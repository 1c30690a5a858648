import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './retries-not-idempotent.ts';

const site = (inside: string, servers = 'server 192.0.2.1:80; server 192.0.2.2:80;'): string =>
  `events {}\nhttp {\nupstream app { ${servers} }\nserver { listen 80; location / { ${inside} proxy_pass http://app; } }\n}\n`;

testLintRule(rule, {
  fires: {
    'after a timeout': { text: site('proxy_next_upstream error timeout non_idempotent;'), at: ['non_idempotent'] },
  },
  silent: {
    'after an error alone': { text: site('proxy_next_upstream error non_idempotent;') },
    'by default': { text: site('proxy_next_upstream error timeout;') },
    'one server': { text: site('proxy_next_upstream error timeout non_idempotent;', 'server 192.0.2.1:80;') },
  },
});
