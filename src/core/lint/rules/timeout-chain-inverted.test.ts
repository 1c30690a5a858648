import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './timeout-chain-inverted.ts';

const chain = (outer: string, inner: string, upstream = ''): string =>
  `events {}\nhttp {\n${upstream}\nserver { listen 80; ${outer} }\nserver { listen 127.0.0.1:8081; ${inner} }\n}\n`;
const there = 'proxy_pass http://192.0.2.1:3000;';

testLintRule(rule, {
  fires: {
    'the default against a longer one': {
      text: chain('location / { proxy_pass http://127.0.0.1:8081; }', `location /export { proxy_read_timeout 300s; ${there} }`),
      at: ['proxy_pass http://127.0.0.1:8081'],
      says: '60 s (the default)',
    },
    'a short one against the default, through a group': {
      text: chain('location / { proxy_read_timeout 5s; proxy_pass http://edge; }', `location / { ${there} }`, 'upstream edge { server localhost:8081; }'),
      at: ['proxy_read_timeout 5s'],
    },
    'PHP behind it': {
      text: chain('location /shop/ { proxy_pass http://127.0.0.1:8081/; }', 'location / { fastcgi_read_timeout 2m; fastcgi_pass 127.0.0.1:9000; }'),
      at: ['proxy_pass http://127.0.0.1:8081/'],
    },
    'its path is cut off': {
      text: chain('location /shop/ { proxy_pass http://127.0.0.1:8081/; }', `location / { ${there} } location /big/ { proxy_read_timeout 90; ${there} }`),
      at: ['proxy_pass http://127.0.0.1:8081/'],
      says: '`/big/`',
    },
    'PHP may take longer': {
      text: 'http { server { location / { fastcgi_param PHP_ADMIN_VALUE "memory_limit=1G \\n max_execution_time = 300"; fastcgi_pass 127.0.0.1:9000; } } }',
      at: ['fastcgi_param PHP_ADMIN_VALUE "memory_limit=1G \\n max_execution_time = 300"'],
      says: 'PHP may take 300 s',
    },
  },
  silent: {
    'PHP may take as long as nginx waits': {
      text: 'http { server { location / { fastcgi_read_timeout 300; fastcgi_param PHP_VALUE "max_execution_time=300"; fastcgi_pass 127.0.0.1:9000; } } }',
    },
    'PHP has no limit of its own there': {
      text: 'http { server { location / { fastcgi_param PHP_VALUE "max_execution_time=0"; fastcgi_pass 127.0.0.1:9000; } } }',
    },
    'the outer one waits longer': {
      text: chain('location / { proxy_read_timeout 310s; proxy_pass http://127.0.0.1:8081; }', `location / { proxy_read_timeout 300s; ${there} }`),
    },
    'both wait equally long': { text: chain('location / { proxy_pass http://127.0.0.1:8081; }', `location / { ${there} }`) },
    'another location takes those requests outside': {
      text: chain(
        'location / { proxy_pass http://127.0.0.1:8081; } location /export { proxy_read_timeout 310s; proxy_pass http://127.0.0.1:8081; }',
        `location /export { proxy_read_timeout 300s; ${there} }`,
      ),
    },
    'a server on another port': {
      text: chain('location / { proxy_pass http://127.0.0.1:8082; }', `location / { proxy_read_timeout 300s; ${there} }`),
    },
    'the same port of another machine': {
      text: chain('location / { proxy_pass http://192.0.2.9:8081; }', `location / { proxy_read_timeout 300s; ${there} }`),
    },
    'a path that the outer location does not have': {
      text: chain('location /a/ { proxy_pass http://127.0.0.1:8081; }', `location /b/ { proxy_read_timeout 300s; ${there} }`),
    },
  },
});
