import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './resolve-not-possible.ts';

const http = (inside: string): string => `events {}\nhttp {\n  resolver 192.0.2.53;\n  upstream api {\n    ${inside}\n  }\n}\n`;

testLintRule(rule, {
  fires: {
    'an older nginx': { text: http('zone api 64k; server api.example.com resolve;'), version: '1.26.3', at: ['resolve'], says: '1.26.3' },
    'no zone': {
      text: http('server api.example.com resolve;'),
      at: ['resolve'],
      says: 'no `zone`',
      fixed: http('zone api 64k; server api.example.com resolve;'),
    },
  },
  silent: {
    'with a zone': { text: http('zone api 64k; server api.example.com resolve;') },
    'without resolve': { text: http('server api.example.com;'), version: '1.22.1' },
    'the zone may be in a file that was not read': { text: http('include zone.conf; server api.example.com resolve;'), unread: ['/etc/nginx/zone.conf'] },
  },
});
