import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './upstream-all-down.ts';

const site = (members: string, pass = 'proxy_pass http://app;'): string =>
  `events {}\nhttp {\n  upstream app { ${members} }\n  server { listen 80; location / { ${pass} } }\n}\n`;

testLintRule(rule, {
  fires: {
    'all are down': { text: site('server 192.0.2.1:80 down; server 192.0.2.2:80 weight=2 down;'), at: ['upstream app'], says: 'no live upstreams' },
    'there are backups alone': { text: site('server 192.0.2.1:80 backup;', 'return 204;'), at: ['upstream app'], says: 'does not start' },
    'there is none': { text: site('zone app 64k;'), at: ['upstream app'], says: 'no servers' },
    'only the backup is left': { text: site('server 192.0.2.1:80 down; server 192.0.2.2:80 backup;'), at: ['upstream app'], severity: 'notice' },
    'in stream': { text: 'stream { upstream a { server 192.0.2.1:80 down; } server { listen 1; proxy_pass a; } }', at: ['upstream a'] },
  },
  silent: {
    'one is up': { text: site('server 192.0.2.1:80 down; server 192.0.2.2:80;') },
    'all are down, and nobody asks': { text: site('server 192.0.2.1:80 down;', 'return 204;') },
    'the group of the same name in stream is the one that is asked': {
      text: 'http { upstream a { server 192.0.2.1:80 down; } } stream { upstream a { server 192.0.2.1:80; } server { listen 1; proxy_pass a; } }',
    },
    'its servers are in a file that was not read': { text: site('include /etc/nginx/peers.conf;'), unread: ['/etc/nginx/peers.conf'] },
  },
});
