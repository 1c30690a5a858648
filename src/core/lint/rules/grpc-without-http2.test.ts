import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './grpc-without-http2.ts';

const site = (server: string, http = ''): string => `events {}\nhttp {\n${http}\nserver { ${server} location / { grpc_pass grpc://127.0.0.1:50051; } }\n}\n`;

testLintRule(rule, {
  fires: {
    'TLS without HTTP/2': {
      text: site('listen 443 ssl;'),
      at: ['grpc_pass grpc://127.0.0.1:50051'],
      fixed: site('http2 on; listen 443 ssl;'),
    },
    'plain, before 1.25.1': { text: site('listen 8080;'), version: '1.22.1', at: ['grpc_pass grpc://127.0.0.1:50051'] },
    'switched off in this server': { text: site('listen 443 ssl; http2 off;', 'http2 on;'), at: ['grpc_pass grpc://127.0.0.1:50051'] },
    'another port speaks it': {
      text: site('listen 8443 ssl;', 'server { listen 443 ssl http2; return 204; }'),
      version: '1.22.1',
      at: ['grpc_pass grpc://127.0.0.1:50051'],
    },
  },
  silent: {
    'in the listen': { text: site('listen 443 ssl http2;'), version: '1.22.1' },
    'http2 on': { text: site('listen 443 ssl; http2 on;') },
    'http2 on for all': { text: site('listen 443 ssl;', 'http2 on;') },
    'another server of the same port has it': { text: site('listen 443 ssl;', 'server { listen 443 ssl http2; return 204; }'), version: '1.22.1' },
    'HTTP/3': { text: site('listen 443 quic;') },
    'no gRPC': { text: 'http { server { listen 80; location / { proxy_pass http://127.0.0.1:50051; } } }' },
    'a file that was not read': { text: site('listen 443 ssl; include /etc/nginx/h2.conf;'), unread: ['/etc/nginx/h2.conf'] },
  },
});
