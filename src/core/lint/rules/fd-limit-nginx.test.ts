import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './fd-limit-nginx.ts';

const site = (main: string, events: string, location = 'proxy_pass http://192.0.2.1;'): string =>
  `${main}\nevents { ${events} }\nhttp { server { location / { ${location} } } }\n`;

testLintRule(rule, {
  fires: {
    'fewer files than connections': {
      text: site('worker_rlimit_nofile 1024;', 'worker_connections 4096;'),
      at: ['worker_rlimit_nofile 1024'],
      fixed: site('worker_rlimit_nofile 8192;', 'worker_connections 4096;'),
    },
    'fewer than the default': { text: site('worker_rlimit_nofile 512;', ''), at: ['worker_rlimit_nofile 512'], says: '512 connections by default' },
    'many connections, and nothing about files': { text: site('', 'worker_connections 10000;'), at: ['worker_connections 10000'], severity: 'notice' },
  },
  silent: {
    'twice as many files': { text: site('worker_rlimit_nofile 8192;', 'worker_connections 4096;') },
    'what most distributions write': { text: site('', 'worker_connections 768;') },
    "nginx's own example": { text: site('', 'worker_connections 1024;') },
    'nothing is passed on': { text: site('worker_rlimit_nofile 1024;', 'worker_connections 4096;', 'return 204;') },
    'a file that was not read may raise it': {
      text: site('include /etc/nginx/limits.conf;', 'worker_connections 10000;'),
      unread: ['/etc/nginx/limits.conf'],
    },
  },
});
