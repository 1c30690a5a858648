import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './timeout-zero.ts';

const site = (location: string, http = ''): string => `events {}\nhttp {\n${http}\nserver { listen 80; location / { ${location} } }\n}\n`;

testLintRule(rule, {
  fires: {
    'the read timeout': { text: site('proxy_read_timeout 0; proxy_pass http://192.0.2.1;'), at: ['proxy_read_timeout 0'] },
    'the connect timeout, further out, with a unit': {
      text: site('proxy_pass http://192.0.2.1;', 'proxy_connect_timeout 0s;'),
      at: ['proxy_connect_timeout 0s'],
    },
    'of FastCGI': { text: site('fastcgi_read_timeout 0; fastcgi_pass 127.0.0.1:9000;'), at: ['fastcgi_read_timeout 0'] },
  },
  silent: {
    'of a module that passes nothing on here': { text: site('proxy_read_timeout 0; fastcgi_pass 127.0.0.1:9000;') },
    'another value further in': { text: site('proxy_read_timeout 30s; proxy_pass http://192.0.2.1;', 'proxy_read_timeout 0;') },
    'no limit for tries': { text: site('proxy_next_upstream_timeout 0; proxy_send_timeout 0; proxy_pass http://192.0.2.1;') },
    'nothing is passed on': { text: site('proxy_read_timeout 0; return 204;') },
  },
});
