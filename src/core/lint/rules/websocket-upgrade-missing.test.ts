import { testLintRule } from '../../../../test/lint-rule.ts';
import rule from './websocket-upgrade-missing.ts';

const site = (path: string, location: string, server = '', http = ''): string =>
  `events {}\nhttp {\n${http}\nserver { listen 80; ${server} location ${path} { ${location} proxy_pass http://192.0.2.1:3000; } }\n}\n`;
const upgrade = 'proxy_set_header Upgrade $http_upgrade;';
const connection = 'proxy_set_header Connection "upgrade";';

testLintRule(rule, {
  fires: {
    'HTTP/1.0 before 1.29.7': {
      text: site('/chat/', `${upgrade} ${connection}`),
      version: '1.28.0',
      at: ['proxy_set_header Upgrade $http_upgrade'],
      says: 'HTTP/1.0',
      fixed: site('/chat/', `${upgrade} ${connection} proxy_http_version 1.1;`),
    },
    'Connection is not set': {
      text: site('/', `proxy_http_version 1.1; ${upgrade}`),
      version: '1.22.1',
      at: ['proxy_set_header Upgrade $http_upgrade'],
      fixed: site('/', `proxy_http_version 1.1; ${upgrade} ${connection}`),
    },
    'Connection is emptied for keepalive': {
      text: site('/', `${upgrade} proxy_set_header Connection "";`),
      at: ['proxy_set_header Upgrade $http_upgrade'],
      says: 'Connection is not `upgrade`',
      fixed: site('/', `${upgrade} ${connection}`),
    },
    'no Connection since 1.29.7 either': { text: site('/', upgrade), at: ['proxy_set_header Upgrade $http_upgrade'] },
    'a map that gives close for all': {
      text: site('/', `${upgrade} proxy_set_header Connection $c;`, '', 'map $http_upgrade $c { default close; }'),
      at: ['proxy_set_header Upgrade $http_upgrade'],
    },
    'by its path, with nothing set': { text: site('/api/websocket', ''), at: ['proxy_pass http://192.0.2.1:3000'], says: 'looks like' },
    'by a path that may be something else': { text: site('/socket.io/', ''), at: ['proxy_pass http://192.0.2.1:3000'], severity: 'notice' },
    'by an expression': { text: site('~ ^/(ws|live)/', ''), at: ['proxy_pass http://192.0.2.1:3000'], severity: 'notice' },
    'the lines of the server are lost': {
      text: site('/ws/', 'proxy_set_header X-Real-IP $remote_addr;', `proxy_http_version 1.1; ${upgrade} ${connection}`),
      version: '1.22.1',
      at: ['proxy_pass http://192.0.2.1:3000'],
    },
  },
  silent: {
    'as the documentation has it': {
      text: site(
        '/chat/',
        `proxy_http_version 1.1; ${upgrade} proxy_set_header Connection $connection_upgrade;`,
        '',
        "map $http_upgrade $connection_upgrade { default upgrade; '' close; }",
      ),
      version: '1.22.1',
    },
    'with a constant': { text: site('/ws', `proxy_http_version 1.1; ${upgrade} ${connection}`), version: '1.22.1' },
    'without HTTP/1.1 since 1.29.7': { text: site('/ws', `${upgrade} ${connection}`) },
    'inherited from the server': { text: site('/ws', '', `proxy_http_version 1.1; ${upgrade} ${connection}`), version: '1.22.1' },
    "the client's own Connection": { text: site('/ws', `${upgrade} proxy_set_header Connection $http_connection;`) },
    'another page': { text: site('/news/', ''), version: '1.22.1' },
    'a path that only begins so': { text: site('/wsdl/', ''), version: '1.22.1' },
    'Upgrade is taken away on purpose': { text: site('/', 'proxy_set_header Upgrade ""; proxy_set_header Connection "";') },
    'a map with an expression': {
      text: site('/', `${upgrade} proxy_set_header Connection $c;`, '', 'map $http_upgrade $c { ~*websocket upgrade; default ""; }'),
    },
    'lines that were not read': { text: site('/ws', 'include /etc/nginx/ws.conf;'), unread: ['/etc/nginx/ws.conf'] },
  },
});
