import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './fastcgi-script-filename-missing.ts';

const site = (location: string, { path = '~ \\.php$', server = '', http = '' } = {}): string =>
  `events {}\nhttp {\n${http}\nserver { listen 80; ${server} location ${path} { ${location} } }\n}\n`;
const params = 'fastcgi_param REQUEST_METHOD $request_method; fastcgi_param QUERY_STRING $query_string;';
const file = 'fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;';

testLintRule(rule, {
  fires: {
    'parameters without it': {
      text: site(`${params} fastcgi_pass unix:/run/php/php8.2-fpm.sock;`),
      at: ['fastcgi_pass unix:/run/php/php8.2-fpm.sock'],
      fixed: site(`${params} ${file} fastcgi_pass unix:/run/php/php8.2-fpm.sock;`),
    },
    'none at all': { text: site('fastcgi_pass 127.0.0.1:9000;', { path: '/' }), at: ['fastcgi_pass 127.0.0.1:9000'], says: 'nor any other parameter' },
    'in a file that is included': {
      text: { '/etc/nginx/nginx.conf': site('include fastcgi_params; fastcgi_pass 127.0.0.1:1;'), '/etc/nginx/fastcgi_params': `${params}\n` },
      at: ['fastcgi_pass 127.0.0.1:1'],
    },
    'through a group': {
      text: site('fastcgi_pass app;', { path: '/', http: 'upstream app { server unix:/run/php/x.sock; }' }),
      at: ['fastcgi_pass app'],
    },
  },
  silent: {
    'in the location': { text: site(`${params} ${file} fastcgi_pass 127.0.0.1:9000;`) },
    'in the server': { text: site('fastcgi_pass 127.0.0.1:9000;', { server: `${params} ${file}` }) },
    'one script for all': { text: site(`${params} fastcgi_param SCRIPT_FILENAME /srv/app/index.php; fastcgi_pass 127.0.0.1:9000;`, { path: '/' }) },
    'another program': { text: site('fastcgi_param PATH_INFO $uri; fastcgi_pass unix:/run/trac.sock;', { path: '/trac' }) },
    "Debian's snippet that was not read": {
      text: site('include snippets/fastcgi-php.conf; fastcgi_pass 127.0.0.1:9000;'),
      unread: ['/etc/nginx/snippets/fastcgi-php.conf'],
    },
    'parameters that were not read': { text: site('include fastcgi.conf; fastcgi_pass 127.0.0.1:9000;'), unread: ['/etc/nginx/fastcgi.conf'] },
  },
});
