import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './error-page-from-failing-backend.ts';

const site = (server: string, page = ''): string =>
  `events {}\nhttp {\nserver { listen 80; ${server} location / { proxy_pass http://192.0.2.1; } ${page} }\n}\n`;

testLintRule(rule, {
  fires: {
    'no location for the page': { text: site('error_page 502 504 /50x.html;'), at: ['error_page 502 504 /50x.html'] },
    'a location that passes to the same backend': {
      text: site('error_page 503 /errors/503.html;', 'location /errors/ { proxy_pass http://192.0.2.1; }'),
      at: ['error_page 503 /errors/503.html'],
    },
  },
  silent: {
    'as in the documentation': { text: site('error_page 500 502 503 504 /50x.html;', 'location = /50x.html { root /usr/share/nginx/html; }') },
    'another backend has the page': { text: site('error_page 502 /50x.html;', 'location /50x.html { proxy_pass http://192.0.2.2; }') },
    'another backend has a folder of pages': { text: site('error_page 502 /errors/502.html;', 'location /errors/ { proxy_pass http://192.0.2.2; }') },
    'a folder of files': { text: site('error_page 502 /errors/502.html;', 'location ^~ /errors/ { root /srv; }') },
    'a page for another error': { text: site('error_page 404 /404.html;') },
  },
});
