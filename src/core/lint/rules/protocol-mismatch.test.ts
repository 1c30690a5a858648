import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './protocol-mismatch.ts';

const http = (inside: string): string => `events {}\nhttp {\n${inside}\n}\n`;
const passes = (...directives: readonly string[]): string =>
  http(`server { listen 80;\n${directives.map((one, index) => `location /${index} { ${one} }`).join('\n')}\n}`);

testLintRule(rule, {
  fires: {
    'HTTP to a socket of PHP-FPM': { text: passes('proxy_pass http://unix:/run/php/php8.2-fpm.sock:/;'), at: ['http://unix:/run/php/php8.2-fpm.sock:/'] },
    'uwsgi to a socket of PHP-FPM in a group': {
      text: http('upstream p { server unix:/var/run/php-fpm/php-fpm.sock; }\nserver { location / { uwsgi_pass p; } }'),
      at: ['unix:/var/run/php-fpm/php-fpm.sock'],
    },
    'HTTP to a database': { text: passes('proxy_pass http://192.0.2.7:5432;'), at: ['http://192.0.2.7:5432'], severity: 'warning', says: 'PostgreSQL' },
    'HTTP to AJP': { text: passes('proxy_pass http://127.0.0.1:8009/;'), at: ['http://127.0.0.1:8009/'], severity: 'warning', says: 'AJP' },
    'FastCGI to a port of HTTP': { text: passes('fastcgi_pass 192.0.2.7:8080;'), at: ['192.0.2.7:8080'], severity: 'warning' },
    'FastCGI to nginx itself': {
      text: http('server { listen 127.0.0.1:9100; return 204; }\nserver { listen 80; location / { fastcgi_pass 127.0.0.1:9100; } }'),
      at: ['127.0.0.1:9100'],
      severity: 'error',
    },
    'two protocols to one address': {
      text: passes('fastcgi_pass 127.0.0.1:9000;', 'proxy_pass http://localhost:9000;', 'fastcgi_pass 127.0.0.1:9000;'),
      at: ['proxy_pass http://localhost:9000'],
      says: 'elsewhere',
    },
    'two protocols to one group': {
      text: http(
        'upstream a { server 127.0.0.1:9000; }\nserver { location /a { fastcgi_pass a; } location /b { proxy_pass http://a; } location /c { proxy_pass http://a/c; } }',
      ),
      at: ['fastcgi_pass a'],
    },
  },
  silent: {
    'PHP-FPM as it is meant': { text: passes('fastcgi_pass unix:/run/php/php8.2-fpm.sock;') },
    'a socket whose folder is called so': { text: passes('proxy_pass http://unix:/run/php-fpm-exporter/web.sock:/;') },
    'HTTP and gRPC on one port': { text: passes('proxy_pass http://127.0.0.1:8081;', 'grpc_pass grpc://127.0.0.1:8081;') },
    'the same port on two machines': { text: passes('proxy_pass http://192.0.2.1:9000;', 'fastcgi_pass 192.0.2.2:9000;') },
    'a database in stream': { text: 'events {}\nstream { server { listen 1; proxy_pass 192.0.2.7:5432; } }' },
    'FastCGI on 9000 and HTTP elsewhere': { text: passes('fastcgi_pass 127.0.0.1:9000;', 'proxy_pass http://127.0.0.1:9001;') },
    'one that is marked down': {
      text: http('upstream a { server 127.0.0.1:3306 down; server 127.0.0.1:8001; }\nserver { location / { proxy_pass http://a; } }'),
    },
  },
});
