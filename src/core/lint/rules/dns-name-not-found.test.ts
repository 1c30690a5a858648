import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './dns-name-not-found.ts';

const site = (pass: string, groups = 'upstream backend { server 127.0.0.1:8080; }'): string =>
  `events {}\nhttp {\n${groups}\nserver { listen 80; location / { ${pass} } }\n}\n`;

testLintRule(rule, {
  fires: {
    'a letter is missing': { text: site('proxy_pass http://backnd/api;'), at: ['http://backnd/api'], fixed: site('proxy_pass http://backend/api;') },
    'two letters have changed places': { text: site('grpc_pass bakcend;'), at: ['bakcend'] },
    'a hyphen for an underscore': { text: site('proxy_pass http://app-pool;', 'upstream app_pool { server 127.0.0.1:1; }'), at: ['http://app-pool'] },
  },
  silent: {
    'the group is used': { text: site('proxy_pass http://backnd; } location /b { proxy_pass http://backend;') },
    'a name of a container': { text: site('proxy_pass http://web;') },
    'a number of its own': { text: site('proxy_pass http://backend2;', 'upstream backend1 { server 127.0.0.1:1; }') },
    'a whole host name': { text: site('proxy_pass http://backnd.example;') },
    'the group may be used through a variable': { text: site('proxy_pass http://backnd; } location /b { proxy_pass http://$pool;') },
  },
});
