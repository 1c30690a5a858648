import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './socket-in-private-tmp.ts';

const site = (inside: string, above = ''): string => `events {}\nhttp {\n${above}\nserver { listen 80; location / { ${inside} } }\n}\n`;

testLintRule(rule, {
  fires: {
    'in /tmp': { text: site('uwsgi_pass unix:/tmp/app.sock;'), at: ['unix:/tmp/app.sock'] },
    'in /var/tmp, in a group': { text: site('proxy_pass http://a;', 'upstream a { server unix:/var/tmp/a/app.sock; }'), at: ['unix:/var/tmp/a/app.sock'] },
    'with a path of the request': { text: site('proxy_pass http://unix:/tmp/app.sock:/;'), at: ['http://unix:/tmp/app.sock:/'] },
  },
  silent: {
    'in /run': { text: site('fastcgi_pass unix:/run/php/php8.2-fpm.sock;') },
    'a folder that ends so': { text: site('proxy_pass http://unix:/srv/tmp/app.sock;') },
    'a file of that name elsewhere': { text: site('root /tmp/www;') },
  },
});
