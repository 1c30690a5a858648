import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './error-page-masks-failure.ts';

const site = (location: string, server = ''): string =>
  `events {}\nhttp {\nserver { listen 80; ${server} location / { ${location} proxy_pass http://192.0.2.1; } location = /sorry.html { root /srv; } }\n}\n`;

testLintRule(rule, {
  fires: {
    'a written 200': {
      text: site('error_page 502 504 =200 /sorry.html;'),
      at: ['error_page 502 504 =200 /sorry.html'],
      says: '502, 504 for requests',
      fixed: site('error_page 502 504 /sorry.html;'),
    },
    'the status of a file': {
      text: site('', 'error_page 404 503 = /sorry.html;'),
      at: ['error_page 404 503 = /sorry.html'],
      says: '503 for',
      fixed: site('', 'error_page 404 503 /sorry.html;'),
    },
    'the status of a return': {
      text: site('error_page 502 = @down;', 'location @down { return 200 "{}"; }'),
      at: ['error_page 502 = @down'],
    },
    'a success even where the spare backend answers with an error': {
      text: site('error_page 502 =200 @spare; proxy_intercept_errors on;', 'location @spare { proxy_pass http://192.0.2.2; }'),
      at: ['error_page 502 =200 @spare'],
      says: 'whatever `@spare` answers',
    },
    'a redirect to another host': {
      text: site('error_page 502 503 https://status.example.com/;'),
      at: ['error_page 502 503 https://status.example.com/'],
      says: '302',
    },
  },
  silent: {
    'the page with its status': { text: site('error_page 500 502 503 504 /sorry.html;') },
    'a spare backend that answers for itself': { text: site('error_page 502 = @spare;', 'location @spare { proxy_pass http://192.0.2.2; }') },
    'a failing status on purpose': { text: site('error_page 502 =503 /sorry.html;') },
    'a return with the status of a failure': { text: site('error_page 502 = @down;', 'location @down { return 503; }') },
    'gRPC, whose status stands in a header': {
      text: 'http { server { location / { grpc_pass grpc://192.0.2.1; error_page 502 = /e; } location = /e { add_header grpc-status 14; return 204; } } }',
    },
    'another error': { text: site('error_page 404 =200 /sorry.html;') },
    'nothing is passed on where it holds': {
      text: site('error_page 502 /sorry.html;', 'location /a { error_page 502 =200 /sorry.html; return 204; }'),
    },
  },
});
