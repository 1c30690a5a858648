import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './upstream-address-invalid.ts';

const http = (inside: string): string => `events {}\nhttp {\n${inside}\n}\n`;
const pass = (directive: string, above = ''): string => http(`${above}\nserver { listen 80; location / { ${directive} } }`);
const group = (member: string): string => pass('proxy_pass http://a;', `upstream a { server ${member}; }`);

testLintRule(rule, {
  fires: {
    'port 0': { text: group('127.0.0.1:0'), at: ['127.0.0.1:0'], fault: 'nginx-config-invalid', says: 'invalid port' },
    'a port over 65535': { text: pass('proxy_pass http://127.0.0.1:80800/;'), at: ['http://127.0.0.1:80800/'] },
    'a port with a letter': { text: pass('fastcgi_pass 127.0.0.1:9OOO;'), at: ['127.0.0.1:9OOO'] },
    'a scheme in a group': { text: group('http://192.0.2.1:8080'), at: ['http://192.0.2.1:8080'], says: 'begins with a scheme' },
    'a path in a group': { text: group('192.0.2.1:8080/app'), at: ['192.0.2.1:8080/app'], says: 'holds a path' },
    'every address': { text: pass('proxy_pass http://0.0.0.0:8080;'), at: ['http://0.0.0.0:8080'], severity: 'warning', fault: 'address-mismatch' },
    'every address of IPv6': { text: pass('proxy_pass http://[::]:8080;'), at: ['http://[::]:8080'], severity: 'warning' },
    'a part over 255': { text: group('192.0.2.256:8080'), at: ['192.0.2.256:8080'], says: 'over 255' },
    multicast: { text: group('239.1.2.3:8080'), at: ['239.1.2.3:8080'] },
    'no scheme': { text: pass('proxy_pass 127.0.0.1:8080;'), at: ['127.0.0.1:8080'], says: 'has no scheme' },
    'a scheme that FastCGI does not have': { text: pass('fastcgi_pass http://127.0.0.1:9000;'), at: ['http://127.0.0.1:9000'] },
    'a group that is not there': {
      text: pass('fastcgi_pass php;', 'upstream php8 { server unix:/run/php.sock; }'),
      at: ['php'],
      says: 'no upstream of that name',
    },
    'no port in stream': { text: 'stream { upstream a { server 192.0.2.1; } server { listen 1; proxy_pass a; } }', at: ['192.0.2.1'] },
  },
  silent: {
    'ports that are written and not': { text: group('192.0.2.1:65535') },
    'IPv6 with and without a port': { text: pass('proxy_pass http://[2001:db8::1];', 'upstream b { server [2001:db8::1]:8080; }') },
    'a socket': { text: pass('fastcgi_pass unix:/run/php/php8.2-fpm.sock;') },
    'a socket with a path of the request': { text: pass('proxy_pass http://unix:/run/app.sock:/api/;') },
    'the port is a variable': { text: pass('proxy_pass http://127.0.0.1:$port;') },
    'the whole is a variable': { text: pass('proxy_pass $target;') },
    'gRPC without a scheme': { text: pass('grpc_pass 127.0.0.1:50051;') },
    'a group in a file that was not read': { text: pass('fastcgi_pass php;', 'include /etc/nginx/upstreams.conf;'), unread: ['/etc/nginx/upstreams.conf'] },
    'a query behind the port': { text: pass('proxy_pass http://127.0.0.1:8080?x=1;') },
    'stream with a port': { text: 'stream { server { listen 1; proxy_pass db.example:5432; } }' },
  },
});
