import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './max-fails-ignored.ts';

const group = (inside: string): string => `events {}\nhttp {\n  upstream app { ${inside} }\n}\n`;

testLintRule(rule, {
  fires: {
    'one server': { text: group('server 127.0.0.1:8080 max_fails=3 fail_timeout=30s;'), at: ['max_fails=3'], says: '`fail_timeout=30s`' },
    'one socket': { text: group('server unix:/run/app.sock fail_timeout=5s;'), at: ['fail_timeout=5s'] },
  },
  silent: {
    'two servers': { text: group('server 127.0.0.1:8080 max_fails=3; server 127.0.0.1:8081;') },
    'a server and a backup': { text: group('server 127.0.0.1:8080 max_fails=3; server 127.0.0.1:8081 backup;') },
    'a name may be several': { text: group('server app.example:8080 max_fails=3;') },
    'switched off, which is what happens': { text: group('server 127.0.0.1:8080 max_fails=0 fail_timeout=0;') },
    "as gunicorn's guide writes it": { text: group('server unix:/run/gunicorn.sock fail_timeout=0;') },
    'without parameters': { text: group('server 127.0.0.1:8080;') },
  },
});
