import { expect, it } from 'vitest';
import { rules } from '../src/core/lint/rules/index.ts';
import { lintText } from './lint-rule.ts';

const group = 'upstream app { server 127.0.0.1:8081; keepalive 8; }';
const site = (http: string, location: string): string =>
  `events {}\nhttp {\n${http}\nserver { listen 80; proxy_set_header Host $host; location /ws { ${location} } }\nserver { listen 127.0.0.1:8081; keepalive_timeout 20s; return 204; }\n}\n`;

/** Each fix is right alone; here several rules have one for the same location. */
const crowded: Readonly<Record<string, string>> = {
  'a WebSocket in front of a group that is to keep connections': site(group, 'proxy_set_header Upgrade $http_upgrade; proxy_pass http://app;'),
  'plain requests in front of it': site(group, 'proxy_set_header X-A b; proxy_pass http://app;'),
  'a WebSocket in front of an address': site('', 'proxy_set_header Upgrade $http_upgrade; proxy_pass http://127.0.0.1:8081;'),
  'a group without more': site('upstream app { server 127.0.0.1:8081; }', 'proxy_pass http://app;'),
  'settings of another module': site('', 'proxy_read_timeout 5s; proxy_buffer_size 16k; fastcgi_param X y; fastcgi_pass 127.0.0.1:9000;'),
};

it.each(Object.entries(crowded))('makes one configuration of all changes for %s', (_, text) => {
  const changed = [{}, { upgradeTo: '1.31.5' }].map(upgrade => lintText(rules, { text, version: '1.28.0', ...upgrade }).fixed ?? '');
  expect(changed.some(fixed => fixed !== text)).toBe(true);
  for (const fixed of changed) {
    for (const block of fixed.split(/[{}]/)) {
      const once = [...block.matchAll(/\b(?!proxy_set_header|fastcgi_param|server\b)(\w+) [^;{]*;/g)].map(([, name]) => name);
      expect(once, block).toEqual([...new Set(once)]);
      const headers = [...block.matchAll(/proxy_set_header (\S+)/g)].map(([, name]) => name);
      expect(headers, block).toEqual([...new Set(headers)]);
    }
  }
});

it('puts nothing beside a pass in a condition, where nginx allows no other directive', () => {
  const passes = 'if ($arg_a) { proxy_pass http://app; } if ($arg_b) { proxy_pass https://api.example.com; } if ($arg_c) { fastcgi_pass 127.0.0.1:9000; }';
  const text = site(group.replace('127.0.0.1:8081', '192.0.2.1:80'), passes);
  const { findings, fixed } = lintText(rules, { text, version: '1.28.0', upgradeTo: '1.31.5' });
  expect(findings.map(({ rule }) => rule)).toEqual(expect.arrayContaining(['upstream-keepalive-unused', 'tls-sni-missing', 'upgrade-changed-defaults']));
  expect(fixed).toBe(text);
});
