import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './websocket-read-timeout-short.ts';

const site = (path: string, location: string, http = ''): string =>
  `events {}\nhttp {\n${http}\nserver { listen 80; location ${path} { proxy_http_version 1.1; ${location} proxy_pass http://192.0.2.1:3000; } }\n}\n`;
const upgrade = 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";';

testLintRule(rule, {
  fires: {
    'in the location': { text: site('/ws/', `${upgrade} proxy_read_timeout 10s;`), at: ['proxy_read_timeout 10s'] },
    'the default, where nobody knows of signs of life': { text: site('/ws/', upgrade), at: ['proxy_pass http://192.0.2.1:3000'], says: '60 s, the default' },
    'for all': { text: site('/websocket', upgrade, 'proxy_read_timeout 5;'), at: ['proxy_read_timeout 5'] },
  },
  silent: {
    'the default, with a program that asks for signs of life': { text: site('/socket.io/', upgrade) },
    'a minute on purpose': { text: site('/ws/', `${upgrade} proxy_read_timeout 60s;`) },
    'a file that was not read may say it': { text: site('/ws/', `${upgrade} include /etc/nginx/t.conf;`), unread: ['/etc/nginx/t.conf'] },
    'an hour here, short elsewhere': { text: site('/ws/', `${upgrade} proxy_read_timeout 1h;`, 'proxy_read_timeout 5;') },
    'no WebSocket': { text: site('/api/', `${upgrade} proxy_read_timeout 10s;`) },
    'nothing is upgraded': { text: site('/ws/', 'proxy_read_timeout 10s;') },
  },
});
