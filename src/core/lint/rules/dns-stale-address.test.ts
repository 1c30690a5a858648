import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './dns-stale-address.ts';

const pass = (inside: string, above = ''): string => `events {}\nhttp {\n${above}\nserver { listen 80; location / { ${inside} } }\n}\n`;

testLintRule(rule, {
  fires: {
    'a load balancer': { text: pass('proxy_pass http://app-123.eu-west-1.elb.amazonaws.com;'), at: ['http://app-123.eu-west-1.elb.amazonaws.com'] },
    'in the other form': { text: pass('proxy_pass http://app-123.elb.eu-west-1.amazonaws.com/x;'), at: ['http://app-123.elb.eu-west-1.amazonaws.com/x'] },
    'in a group': { text: pass('proxy_pass https://a;', 'upstream a { server shop.azurewebsites.net:443; }'), at: ['shop.azurewebsites.net:443'] },
  },
  silent: {
    'looked up while nginx runs': { text: pass('set $b shop.herokuapp.com; proxy_pass https://$b;', 'resolver 192.0.2.53;') },
    'a group that resolves': { text: pass('proxy_pass https://a;', 'resolver 192.0.2.53; upstream a { zone a 64k; server shop.herokuapp.com:443 resolve; }') },
    'a name of which nothing is known': { text: pass('proxy_pass https://api.example.com;') },
    'a name that only holds it': { text: pass('proxy_pass https://cloudfront.net.example.com;') },
  },
});
