import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './socket-permission-denied.ts';

const site = (inside: string, above = ''): string => `${above}\nevents {}\nhttp {\nserver { listen 80; location / { ${inside} } }\n}\n`;

testLintRule(rule, {
  fires: {
    "in root's folder": { text: site('proxy_pass http://unix:/root/app/app.sock;'), at: ['http://unix:/root/app/app.sock'], says: 'only root may' },
    "in a person's folder": {
      text: site('uwsgi_pass unix:/home/deploy/site/site.sock;'),
      at: ['unix:/home/deploy/site/site.sock'],
      severity: 'notice',
      says: '/home/deploy',
    },
  },
  silent: {
    'in /run': { text: site('uwsgi_pass unix:/run/site/site.sock;') },
    'a folder that begins so': { text: site('uwsgi_pass unix:/rootfs/site.sock;') },
    'workers that are root': { text: site('proxy_pass http://unix:/root/app.sock;', 'user root;') },
  },
});
