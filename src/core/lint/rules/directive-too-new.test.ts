import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './directive-too-new.ts';

const site = (server: string, upstream = ''): string => `events {}\nhttp {\nupstream app { server 192.0.2.1:80; ${upstream} }\nserver { ${server} }\n}\n`;

testLintRule(rule, {
  fires: {
    'http2 as a directive': { text: site('listen 443 ssl; http2 on;'), version: '1.22.1', at: ['http2 on'], says: 'came with nginx 1.25.1' },
    'HTTP/3': { text: site('listen 443 quic;'), version: '1.24.0', at: ['quic'] },
    'nothing is to be kept': { text: site('listen 80;', 'keepalive 0;'), version: '1.28.0', at: ['0'] },
    'idle connections of an upstream': { text: site('listen 80;', 'keepalive_timeout 10s;'), version: '1.14.2', at: ['keepalive_timeout 10s'] },
  },
  silent: {
    'new enough': { text: site('listen 443 ssl; http2 on;'), version: '1.25.1' },
    'in the listen': { text: site('listen 443 ssl http2;'), version: '1.22.1' },
    'the one for clients is old': { text: site('listen 80; keepalive_timeout 10s;'), version: '1.14.2' },
    'some are kept': { text: site('listen 80;', 'keepalive 8;'), version: '1.14.2' },
  },
});
