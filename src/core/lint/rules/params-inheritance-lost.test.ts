import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './params-inheritance-lost.ts';

const site = (server: string, location: string): string =>
  `events {}\nhttp {\nserver { listen 80; ${server} location ~ \\.php$ { ${location} fastcgi_pass 127.0.0.1:9000; } }\n}\n`;
const params = 'fastcgi_param REQUEST_METHOD $request_method; fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;';

testLintRule(rule, {
  fires: {
    'one of its own': { text: site(params, 'fastcgi_param APP_ENV prod;'), at: ['fastcgi_param APP_ENV prod'], says: 'REQUEST_METHOD, SCRIPT_FILENAME' },
    'a part of them': {
      text: site(params, 'fastcgi_param SCRIPT_FILENAME /srv/index.php;'),
      at: ['fastcgi_param SCRIPT_FILENAME /srv/index.php'],
      says: 'REQUEST_METHOD of',
    },
    'the others are included further out and were not read': {
      text: site('include fastcgi_params;', 'fastcgi_param APP_ENV prod;'),
      unread: ['/etc/nginx/fastcgi_params'],
      at: ['fastcgi_param APP_ENV prod'],
    },
    'for uWSGI, in a nested location': {
      text: 'http { server { uwsgi_param REQUEST_METHOD $request_method; location / { location /a { uwsgi_param X y; uwsgi_pass 127.0.0.1:1; } } } }',
      at: ['uwsgi_param X y'],
    },
  },
  silent: {
    'all of them inherited': { text: site(params, '') },
    'all of them repeated': { text: site(params, `${params} fastcgi_param APP_ENV prod;`) },
    'nothing that is needed is lost': { text: site('fastcgi_param HTTPS on;', params) },
    'the others are included beside it': {
      text: site('include fastcgi_params;', 'include fastcgi_params; fastcgi_param APP_ENV prod;'),
      unread: ['/etc/nginx/fastcgi_params'],
    },
    'parameters of another module': { text: site('uwsgi_param REQUEST_METHOD $request_method;', params) },
  },
});
