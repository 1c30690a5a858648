import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './host-header-lost.ts';

const site = (server: string, location: string, http = ''): string =>
  `events {}\nhttp {\n${http}\nupstream app { server 127.0.0.1:8000; }\nserver { listen 80; ${server} location / { ${location} } }\n}\n`;
const host = 'proxy_set_header Host $host;';

testLintRule(rule, {
  fires: {
    'in front of a group': {
      text: site(host, 'proxy_set_header X-Api 1; proxy_pass http://app;'),
      at: ['proxy_set_header X-Api 1'],
      says: '`Host: app`',
      fixed: site(host, `${host} proxy_set_header X-Api 1; proxy_pass http://app;`),
    },
    'more than Host is lost': {
      text: site(`${host} proxy_set_header X-Forwarded-Proto $scheme;`, 'proxy_set_header Connection ""; proxy_pass http://127.0.0.1:8000;'),
      at: ['proxy_set_header Connection ""'],
      says: 'and no X-Forwarded-Proto',
    },
    'two blocks further out, for gRPC': {
      text: site('', 'grpc_set_header X-A b; grpc_pass grpc://app;', 'grpc_set_header Host $host;'),
      at: ['grpc_set_header X-A b'],
    },
    'in front of a name of this network': {
      text: site(host, 'proxy_set_header X-Api 1; proxy_pass http://app.prod.svc.cluster.local:8080;'),
      at: ['proxy_set_header X-Api 1'],
    },
    'the lines of the server take those of http away': {
      text: site('proxy_set_header X-A b;', 'proxy_pass http://unix:/run/a.sock;', host),
      at: ['proxy_set_header X-A b'],
    },
  },
  silent: {
    inherited: { text: site(host, 'proxy_pass http://app;') },
    repeated: { text: site(host, `${host} proxy_set_header X-Api 1; proxy_pass http://app;`) },
    'repeated in other letters': { text: site(host, 'proxy_set_header host $host; proxy_set_header X-Api 1; proxy_pass http://app;') },
    "somebody else's API gets its own name": { text: site(host, 'proxy_set_header X-Key 1; proxy_pass https://api.example.com;') },
    'nobody ever set it': { text: site('proxy_set_header X-A b;', 'proxy_set_header X-Api 1; proxy_pass http://app;') },
    'it was the name of the pass before': { text: site('proxy_set_header Host $proxy_host;', 'proxy_set_header X-Api 1; proxy_pass http://app;') },
    'lines that were not read': {
      text: site(host, 'include proxy_params; proxy_set_header X-Api 1; proxy_pass http://app;'),
      unread: ['/etc/nginx/proxy_params'],
    },
  },
});
