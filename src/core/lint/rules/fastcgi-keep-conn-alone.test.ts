import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './fastcgi-keep-conn-alone.ts';

const site = (pass: string, upstream = '', http = ''): string =>
  `events {}\nhttp {\n${http}\nupstream php { server unix:/run/php/a.sock; ${upstream} }\nserver { listen 80; location ~ \\.php$ { ${pass} } }\n}\n`;

testLintRule(rule, {
  fires: {
    'an address': { text: site('fastcgi_keep_conn on; fastcgi_pass unix:/run/php/a.sock;'), at: ['fastcgi_keep_conn on'], says: 'no `upstream` block' },
    'a group without keepalive, before 1.29.7': { text: site('fastcgi_keep_conn on; fastcgi_pass php;'), version: '1.28.0', at: ['fastcgi_keep_conn on'] },
    'set further out': { text: site('fastcgi_pass 127.0.0.1:9000;', '', 'fastcgi_keep_conn on;'), at: ['fastcgi_keep_conn on'] },
    'switched off in the group': { text: site('fastcgi_keep_conn on; fastcgi_pass php;', 'keepalive 0;'), at: ['fastcgi_keep_conn on'] },
  },
  silent: {
    'a group with keepalive': { text: site('fastcgi_keep_conn on; fastcgi_pass php;', 'keepalive 4;'), version: '1.22.1' },
    'groups keep connections since 1.29.7': { text: site('fastcgi_keep_conn on; fastcgi_pass php;'), version: '1.29.7' },
    'off further in': { text: site('fastcgi_keep_conn off; fastcgi_pass 127.0.0.1:9000;', '', 'fastcgi_keep_conn on;') },
    'not asked for': { text: site('fastcgi_pass 127.0.0.1:9000;') },
    'the group may be named in a variable': { text: site('fastcgi_keep_conn on; fastcgi_pass $pool;') },
  },
});
