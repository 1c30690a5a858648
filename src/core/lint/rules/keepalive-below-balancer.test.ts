import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './keepalive-below-balancer.ts';

const site = (http: string, server = '', listen = '80'): string =>
  `events {}\nhttp {\n${http}\nserver { listen ${listen}; ${server} location / { return 204; } }\n}\n`;
const google = 'set_real_ip_from 130.211.0.0/22;';
const aws = 'if ($http_user_agent ~* "ELB-HealthChecker") { access_log off; }';

testLintRule(rule, {
  fires: {
    'the default is shorter than that of Google Cloud': { text: site(google), at: ['set_real_ip_from 130.211.0.0/22'], says: '600 s' },
    'a short one behind AWS': {
      text: site('keepalive_timeout 15s;', aws),
      at: ['keepalive_timeout 15s'],
      fixed: site('keepalive_timeout 65s;', aws),
    },
    'as long as that of AWS': {
      text: site('map $http_user_agent $loggable { default 1; ~ELB-HealthChecker 0; } keepalive_timeout 60 60;'),
      at: ['keepalive_timeout 60 60'],
    },
  },
  silent: {
    'the default is longer than that of AWS': { text: site('', aws) },
    'longer than that of Google Cloud': { text: site(`${google} keepalive_timeout 620s;`) },
    'no balancer is known': { text: site('keepalive_timeout 15s;') },
    'another network': { text: site('set_real_ip_from 130.211.4.0/24;') },
    'each request closes its connection': { text: site('keepalive_timeout 0;', aws) },
    'the balancer asks another server': { text: site(`server { listen 81; keepalive_timeout 75s; ${aws} return 204; }`, 'keepalive_timeout 5s;') },
    'a server of this host alone': { text: site(google, '', '127.0.0.1:8081') },
    'told in a comment': { text: site('# GoogleHC asks us\nkeepalive_timeout 15s;') },
  },
});
