import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './timeouts-contradict.ts';

const site = (location: string, http = '', members = 'server 192.0.2.1:80; server 192.0.2.2:80;'): string =>
  `events {}\nhttp {\n${http}\nupstream app { ${members} }\nserver { listen 80; location / { ${location} proxy_pass http://app; } }\n}\n`;

testLintRule(rule, {
  fires: {
    'the time for all tries is that of one': { text: site('proxy_next_upstream_timeout 10s;'), at: ['proxy_next_upstream_timeout 10s'], says: '60 s' },
    'both are written, in two blocks': {
      text: site('proxy_connect_timeout 5s;', 'proxy_next_upstream_timeout 5s;'),
      at: ['proxy_next_upstream_timeout 5s'],
    },
    'it waits longer for a connection than for an answer': {
      text: site('proxy_connect_timeout 60s; proxy_read_timeout 10s;'),
      at: ['proxy_connect_timeout 60s'],
      severity: 'notice',
    },
    'clients are told more': {
      text: site('', 'keepalive_timeout 30s 60s;'),
      at: ['keepalive_timeout 30s 60s'],
      fixed: site('', 'keepalive_timeout 30s 30s;'),
    },
  },
  silent: {
    'a try is a part of the whole': { text: site('proxy_next_upstream_timeout 10s; proxy_connect_timeout 3s;') },
    'there is one server alone': { text: site('proxy_next_upstream_timeout 10s;', '', 'server 192.0.2.1:80; server 192.0.2.2:80 down;') },
    'timeouts are not repeated anyway': { text: site('proxy_next_upstream error; proxy_next_upstream_timeout 10s;') },
    'no limit': { text: site('proxy_next_upstream_timeout 0;') },
    'the default connect timeout beside a short read timeout': { text: site('proxy_read_timeout 1s;') },
    'clients are told less': { text: site('', 'keepalive_timeout 75s 60s;') },
    'no keepalive at all': { text: site('', 'keepalive_timeout 0;') },
    'a file that was not read may say it': { text: site('include /etc/nginx/t.conf; proxy_next_upstream_timeout 10s;'), unread: ['/etc/nginx/t.conf'] },
  },
});
