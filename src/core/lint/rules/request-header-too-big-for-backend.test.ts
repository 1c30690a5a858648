import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './request-header-too-big-for-backend.ts';

const site = (http: string, location: string): string => `events {}\nhttp {\n${http}\nserver { listen 80; location / { ${location} } }\n}\n`;

testLintRule(rule, {
  fires: {
    'room for long cookies': {
      text: site('large_client_header_buffers 4 32k;', 'uwsgi_pass 127.0.0.1:3031;'),
      at: ['large_client_header_buffers 4 32k'],
      says: '4k for all headers',
    },
  },
  silent: {
    'the default': { text: site('', 'uwsgi_pass 127.0.0.1:3031;') },
    'the default, written': { text: site('large_client_header_buffers 4 8k;', 'uwsgi_pass 127.0.0.1:3031;') },
    'less in that server': {
      text: 'http { large_client_header_buffers 4 32k; server { large_client_header_buffers 4 8k; location / { uwsgi_pass 127.0.0.1:3031; } } }',
    },
    'another backend': { text: site('large_client_header_buffers 4 32k;', 'proxy_pass http://192.0.2.1;') },
  },
});
