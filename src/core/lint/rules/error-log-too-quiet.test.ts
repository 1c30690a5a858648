import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './error-log-too-quiet.ts';

const site = (main: string, location: string): string => `${main}\nevents {}\nhttp { server { location / { ${location} } } }\n`;
const pass = 'proxy_pass http://192.0.2.1;';

testLintRule(rule, {
  fires: {
    'crit for all': { text: site('error_log /var/log/nginx/error.log crit;', pass), at: ['error_log /var/log/nginx/error.log crit'], says: '`crit`' },
    'written nowhere': { text: site('', `error_log /dev/null; ${pass}`), at: ['error_log /dev/null'] },
    'a file that is called off': { text: site('', `error_log off; ${pass}`), at: ['error_log off'], says: 'called `off`' },
  },
  silent: {
    'the default': { text: site('', pass) },
    'no level is `error`': { text: site('error_log /var/log/nginx/error.log;', pass) },
    'one of two logs tells': { text: site('error_log stderr crit; error_log /var/log/nginx/error.log warn;', pass) },
    'it tells further in': { text: site('error_log /dev/null;', `error_log /var/log/nginx/site.log; ${pass}`) },
    'nothing is passed on': { text: site('error_log /dev/null;', 'return 204;') },
  },
});
