import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './tls-protocol-mismatch.ts';

const pass = (inside: string, above = ''): string => `events {}\nhttp {\n${above}\nserver { listen 80; location / { ${inside} } }\n}\n`;

testLintRule(rule, {
  fires: {
    'at the http level': {
      text: pass('proxy_pass https://api.example.com;', 'proxy_ssl_protocols TLSv1 TLSv1.1;'),
      at: ['proxy_ssl_protocols TLSv1 TLSv1.1'],
      fixed: pass('proxy_pass https://api.example.com;', 'proxy_ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;'),
    },
  },
  silent: {
    'with 1.2': { text: pass('proxy_pass https://api.example.com;', 'proxy_ssl_protocols TLSv1 TLSv1.2;') },
    'as it is by default': { text: pass('proxy_pass https://api.example.com;') },
    'no TLS is spoken': { text: pass('proxy_ssl_protocols TLSv1; proxy_pass http://192.0.2.1;') },
    'towards clients only': { text: pass('proxy_pass https://api.example.com;', 'ssl_protocols TLSv1;') },
  },
});
