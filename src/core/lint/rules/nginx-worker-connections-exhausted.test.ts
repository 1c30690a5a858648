import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './nginx-worker-connections-exhausted.ts';

const site = (events: string, upstream = '', location = 'proxy_pass http://app;'): string =>
  `events { ${events} }\nhttp { upstream app { server 192.0.2.1:80; ${upstream} } server { location / { ${location} } } }\n`;

testLintRule(rule, {
  fires: {
    'very few': { text: site('worker_connections 30;'), at: ['worker_connections 30'], says: '15 requests at once' },
    few: { text: site('worker_connections 128;'), at: ['worker_connections 128'], severity: 'notice' },
    'idle ones may take all': { text: site('worker_connections 1024;', 'keepalive 1024;'), at: ['keepalive 1024'] },
    'idle ones may take all of the default': { text: site('', 'keepalive 600;'), at: ['keepalive 600'], says: '512 by default' },
  },
  silent: {
    'what Debian writes': { text: site('worker_connections 768;') },
    'the default': { text: site('') },
    'a few dozen are kept': { text: site('worker_connections 1024;', 'keepalive 64;') },
    'few, and nothing is passed on': { text: site('worker_connections 30;', '', 'return 204;') },
    'the group that keeps so many is not asked': { text: site('', 'keepalive 600;', 'proxy_pass http://192.0.2.1;') },
  },
});
