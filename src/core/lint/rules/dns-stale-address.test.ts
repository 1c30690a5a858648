import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './dns-stale-address.ts';

const pass = (inside: string, above = ''): string => `events {}\nhttp {\n${above}\nserver { listen 80; location / { ${inside} } }\n}\n`;

testLintRule(rule, {
  fires: {
    'a load balancer': { text: pass('proxy_pass http://app-123.eu-west-1.elb.amazonaws.com;'), at: ['http://app-123.eu-west-1.elb.amazonaws.com'] },
    'in the other form': { text: pass('proxy_pass http://app-123.elb.eu-west-1.amazonaws.com/x;'), at: ['http://app-123.elb.eu-west-1.amazonaws.com/x'] },
    'in a group': { text: pass('proxy_pass https://a;', 'upstream a { server shop.azurewebsites.net:443; }'), at: ['shop.azurewebsites.net:443'] },
    'where a resolver is named': {
      text: pass('proxy_pass http://web:3000;', 'resolver 192.0.2.53;'),
      at: ['http://web:3000'],
      severity: 'notice',
      advises: 'Pass to a variable: `set $backend web:3000; proxy_pass http://$backend;`',
    },
    'with a path': {
      text: pass('uwsgi_pass app.herokuapp.com:3031; proxy_pass https://shop.herokuapp.com/v2/;'),
      at: ['app.herokuapp.com:3031', 'https://shop.herokuapp.com/v2/'],
      advises: 'Name a `resolver`, and pass to a variable: `set $backend app.herokuapp.com:3031; uwsgi_pass $backend;`',
    },
    'a container': { text: pass('proxy_pass http://web:3000;'), at: ['http://web:3000'], severity: 'notice', says: 'container' },
    'a service of Kubernetes': {
      text: pass('proxy_pass http://a;', 'upstream a { server api.prod.svc.cluster.local:80; }'),
      at: ['api.prod.svc.cluster.local:80'],
      severity: 'notice',
    },
  },
  silent: {
    localhost: { text: pass('proxy_pass http://localhost:3000;') },
    'the name of a group': { text: pass('proxy_pass http://web;', 'upstream web { server 127.0.0.1:1; }') },
    'looked up while nginx runs': { text: pass('set $b shop.herokuapp.com; proxy_pass https://$b;', 'resolver 192.0.2.53;') },
    'a group that resolves': { text: pass('proxy_pass https://a;', 'resolver 192.0.2.53; upstream a { zone a 64k; server shop.herokuapp.com:443 resolve; }') },
    'a name of which nothing is known': { text: pass('proxy_pass https://api.example.com;') },
    'a name that only holds it': { text: pass('proxy_pass https://cloudfront.net.example.com;') },
  },
});
