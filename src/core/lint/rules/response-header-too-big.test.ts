import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './response-header-too-big.ts';

const site = (path: string, location: string, http = ''): string => `events {}\nhttp {\n${http}\nserver { listen 80; location ${path} { ${location} } }\n}\n`;
const pass = 'proxy_pass http://192.0.2.1;';

testLintRule(rule, {
  fires: {
    'less than the default': {
      text: site('/', `proxy_buffer_size 1k; ${pass}`),
      at: ['proxy_buffer_size 1k'],
      fixed: site('/', `proxy_buffer_size 4k; ${pass}`),
    },
    'less than the default for all, in bytes': {
      text: site('/', 'fastcgi_pass 127.0.0.1:9000;', 'fastcgi_buffer_size 2048;'),
      at: ['fastcgi_buffer_size 2048'],
    },
    'a sign-in with the default': {
      text: site('/oauth2/', pass),
      at: ['proxy_pass http://192.0.2.1'],
      severity: 'notice',
      fixed: site('/oauth2/', `${pass} proxy_buffer_size 16k; proxy_buffers 8 16k;`),
    },
    'the exact address that a sign-in returns to': { text: site('= /app/signin-oidc', pass), at: ['proxy_pass http://192.0.2.1'], severity: 'notice' },
  },
  silent: {
    'the default': { text: site('/', pass) },
    'more than the default': { text: site('/', `proxy_buffer_size 8k; ${pass}`) },
    'a sign-in with more room, set further out': { text: site('/oauth2/', pass, 'proxy_buffer_size 16k; proxy_buffers 8 16k;') },
    'small buffers of a module that passes nothing on': { text: site('/', `fastcgi_buffer_size 1k; ${pass}`) },
    'a page about it': { text: site('/docs/oauth2-howto', pass) },
  },
});
