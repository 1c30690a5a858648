import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './address-mismatch.ts';

const http = (inside: string): string => `events {}\nhttp {\n${inside}\n}\n`;
const php = (...targets: readonly string[]): string =>
  http(targets.map(target => `server { listen 80; location ~ \\.php$ { fastcgi_pass ${target}; } }`).join('\n'));
const group = (...servers: readonly string[]): string =>
  http(`upstream a { ${servers.map(server => `server ${server};`).join(' ')} }\nserver { listen 80; location / { proxy_pass http://a; } }`);

testLintRule(rule, {
  fires: {
    'a zero is missing': { text: php('127.0.0.1:9000', '127.0.0.1:900', 'localhost:9000'), at: ['127.0.0.1:900'], says: '2 other addresses' },
    'in a group, on another machine': { text: group('192.0.2.1:8070', '192.0.2.2:807', '192.0.2.3:8070'), at: ['192.0.2.2:807'] },
    'a digit too many': { text: group('192.0.2.1:4100', '192.0.2.2:41000', '192.0.2.3:4100'), at: ['192.0.2.2:41000'] },
    'a privileged port, and one other': { text: php('127.0.0.1:900', '127.0.0.1:9000'), at: ['127.0.0.1:900'], says: 'the other address like it has 9000' },
    'a group says what was meant, and nobody uses it': {
      text: http('upstream app { server 127.0.0.1:8080; }\nserver { location / { proxy_pass http://localhost:808; } }'),
      at: ['http://localhost:808'],
    },
  },
  silent: {
    'nothing else in the file says so': { text: php('127.0.0.1:900') },
    'one other address is no proof where anybody may listen': { text: php('127.0.0.1:4100', '127.0.0.1:41000') },
    'a privileged port on another machine': { text: php('192.0.2.1:900', '192.0.2.2:9000') },
    'instances on ports beside each other': { text: group('127.0.0.1:8001', '127.0.0.1:8002', '127.0.0.1:8003', '127.0.0.1:8001') },
    'the port of a service of its own': { text: group('192.0.2.1:8080', '192.0.2.2:8080', '192.0.2.3:80') },
    'another protocol': {
      text: http(
        'server { location / { proxy_pass http://127.0.0.1:900; } location /a { fastcgi_pass 127.0.0.1:9000; } location /b { fastcgi_pass 127.0.0.1:9000; } }',
      ),
    },
    'the short one is used twice': { text: php('127.0.0.1:900', '127.0.0.1:900', '127.0.0.1:9000', '127.0.0.1:9000') },
  },
});
