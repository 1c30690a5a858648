import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './resolver-missing.ts';

const http = (inside: string): string => `events {}\nhttp {\n${inside}\n}\n`;
const server = (inside: string): string => http(`server {\n  listen 80;\n  ${inside}\n}`);

testLintRule(rule, {
  fires: {
    'a name in a variable, with a port': {
      text: server('location /a { set $b api.internal; proxy_pass http://$b:8080/; }'),
      at: ['http://$b:8080/'],
      says: '"api.internal"',
    },
    'one value of a map is a name': {
      text: http('map $uri $pool { default 127.0.0.1:80; ~^/x files.example; }\nserver { location / { proxy_pass http://$pool; } }'),
      at: ['http://$pool'],
      says: 'files.example',
    },
    'a variable whose value is not known': { text: server('location / { fastcgi_pass $backend; }'), at: ['$backend'], severity: 'warning' },
    '`resolver off` further in': {
      text: http('resolver 192.0.2.53;\nserver { resolver off; location / { set $u app.example; grpc_pass grpc://$u:50051; } }'),
      at: ['grpc://$u:50051'],
    },
    '`resolve` in an upstream': {
      text: http('upstream a { zone a 64k; server app.example:8080 resolve; }\nserver { location / { proxy_pass http://a; } }'),
      at: ['app.example:8080'],
      says: 'does not start',
    },
    'in stream': { text: 'events {}\nstream { server { listen 1; set $u db.example; proxy_pass $u:5432; } }', at: ['$u:5432'] },
  },
  silent: {
    'a resolver at the http level': { text: http('resolver 192.0.2.53;\nserver { location / { set $b api.internal; proxy_pass http://$b; } }') },
    'the variable is an address': { text: server('location / { set $b 127.0.0.1; proxy_pass http://$b:8080; }') },
    'the variable is a group': { text: http('upstream app { server 127.0.0.1:1; }\nserver { location / { set $b app; proxy_pass http://$b; } }') },
    'only the path is a variable': { text: server('location / { proxy_pass http://127.0.0.1:8080$request_uri; }') },
    'a name without variables is looked up at start': { text: server('location / { proxy_pass http://api.internal; }') },
    'a unix socket': { text: server('location / { proxy_pass http://unix:/run/$host.sock:/; }') },
    'an include that may hold it was not read': {
      text: http('include /etc/nginx/secret.conf;\nserver { location / { set $b api.internal; proxy_pass http://$b; } }'),
      unread: ['/etc/nginx/secret.conf'],
    },
  },
});
