import type { Finding, FixPlan } from '../../model/finding.ts';
import type { Peer, Route, ServerBlock } from '../../model/facts/topology.ts';
import type { Report, ReportSymptom } from '../../model/report.ts';
import { lineDiff } from '../../model/fix.ts';

const socket = 'unix:/run/php/php8.2-fpm.sock';
const site = '/etc/nginx/sites-enabled/shop.conf';
const pool = '/etc/php/8.2/fpm/pool.d/www.conf';

const server: ServerBlock = {
  id: 'server:1',
  instanceId: 'nginx',
  names: ['shop.example.com', 'www.shop.example.com'],
  listens: [
    { address: { kind: 'tcp', host: '0.0.0.0', port: 80 }, tls: false, defaultServer: true, origin: { kind: 'file', path: site, line: 2 } },
    { address: { kind: 'tcp', host: '0.0.0.0', port: 443 }, tls: true, defaultServer: true, origin: { kind: 'file', path: site, line: 3 } },
  ],
  origin: { path: site, line: 1 },
  accessLogs: [{ path: '/var/log/nginx/access.log', format: 'combined', origin: { kind: 'default', version: '1.22.1' } }],
  errorLogs: [{ path: '/var/log/nginx/error.log', level: 'error', origin: { kind: 'file', path: '/etc/nginx/nginx.conf', line: 5 } }],
};

const phpRoute: Route = {
  id: 'route:1',
  serverId: 'server:1',
  location: String.raw`location ~ \.php$`,
  samplePath: '/index.php',
  pass: 'fastcgi',
  target: socket,
  tls: false,
  origin: { path: site, line: 14 },
  groupId: 'group:1',
  variables: [],
  settings: { read_timeout: { directive: 'fastcgi_read_timeout', args: ['60s'], origin: { kind: 'default', version: '1.22.1' }, ms: 60_000 } },
  headers: [{ directive: 'fastcgi_param', args: ['SCRIPT_FILENAME', '$document_root$fastcgi_script_name'], origin: { kind: 'file', path: site, line: 16 } }],
};

const apiRoute: Route = {
  ...phpRoute,
  id: 'route:2',
  location: 'location /api/',
  samplePath: '/api/',
  pass: 'proxy',
  target: 'http://api',
  origin: { path: site, line: 20 },
  groupId: 'group:2',
  settings: {},
  headers: [],
};

const phpPeer: Peer = {
  id: socket,
  address: { kind: 'unix', path: '/run/php/php8.2-fpm.sock' },
  groupIds: ['group:1'],
  routeIds: ['route:1'],
  written: socket,
  origin: { path: site, line: 15 },
  flags: { down: false, backup: false, maxFails: 1, failTimeoutMs: 10_000, maxConns: 0 },
  local: true,
  listeners: [{ kind: 'unix', host: '', port: 0, path: '/run/php/php8.2-fpm.sock', queue: 46, backlog: 511, inode: 30_411, pids: [811] }],
  serviceId: 'php-fpm:www',
};

const apiPeer: Peer = {
  ...phpPeer,
  id: '127.0.0.1:8080',
  address: { kind: 'tcp', host: '127.0.0.1', port: 8080 },
  groupIds: ['group:2'],
  routeIds: ['route:2'],
  written: 'localhost:8080',
  hostName: 'localhost',
  listeners: [],
  serviceId: 'unit:api.service',
};

const poolPlan: FixPlan = {
  id: 'raise-fpm-children',
  summary: 'Give pool www 14 children instead of 5',
  automatic: true,
  risk: 'low',
  minutes: 2,
  steps: [
    {
      kind: 'edit',
      path: pool,
      line: 115,
      before: 'pm.max_children = 5',
      after: 'pm.max_children = 14',
      diff: lineDiff(pool, 115, 'pm.max_children = 5', 'pm.max_children = 14'),
    },
    {
      kind: 'command',
      argv: ['systemctl', 'reload', 'php8.2-fpm.service'],
      undo: ['systemctl', 'reload', 'php8.2-fpm.service'],
      disruptive: false,
      why: 'The master reads its pool files again; requests in flight are finished',
    },
    { kind: 'manual', text: 'Find out what the slow requests wait for', commands: ['tail -n 50 /var/log/php8.2-fpm.slow.log'] },
  ],
  validate: [['php-fpm8.2', '-tt']],
  verify: 'The accept queue of the pool is empty in three samples and new requests get no 502',
};

const poolFinding: Finding = {
  fault: 'worker-pool-exhausted',
  layer: 'capacity',
  confidence: 'confirmed',
  status: 'active',
  subject: { kind: 'service', id: 'php-fpm:www', name: 'php-fpm pool www', peers: [socket] },
  title: 'Every worker is busy and requests wait in the accept queue',
  explanation: 'All 5 children of pool www (pm.max_children = 5) were busy in each of 3 samples, and 46 connections wait to be accepted.',
  share: 0.972,
  evidence: [
    { source: 'exec:ss -lxn', text: 'u_str LISTEN 46 511 /run/php/php8.2-fpm.sock 30411 * 0' },
    {
      source: 'file:/var/log/php8.2-fpm.log:212',
      text: '[21-Nov-2026 07:26:44] WARNING: [pool www] server reached pm.max_children setting (5), consider raising it',
    },
    {
      source: 'file:/var/log/nginx/error.log:8812',
      text: `2026/11/21 07:39:58 [error] 702#702: *20771 connect() to ${socket} failed (11: Resource temporarily unavailable) while connecting to upstream, client: 203.0.113.7, server: shop.example.com, request: "GET /index.php?page=cart HTTP/1.1", upstream: "fastcgi://${socket}:", host: "shop.example.com"`,
    },
    { source: `config:${pool}:115`, text: 'pm.max_children = 5' },
  ],
  symptoms: ['symptom:1'],
  consequences: ['accept-queue-overflow'],
  fixes: [poolPlan],
  fixData: { pool: 'www', children: 14 },
};

const queueFinding: Finding = {
  ...poolFinding,
  fault: 'accept-queue-overflow',
  confidence: 'likely',
  subject: { kind: 'peer', id: socket, name: socket, peers: [socket] },
  title: 'The listen backlog is full',
  explanation: 'The accept queue of the socket was full when nginx connected.',
  share: 0,
  evidence: [{ source: 'exec:ss -lxn', text: 'u_str LISTEN 46 511 /run/php/php8.2-fpm.sock 30411 * 0' }],
  consequences: [],
  causedBy: 'worker-pool-exhausted',
  fixes: [],
};

const apiFinding: Finding = {
  fault: 'backend-down',
  layer: 'backend',
  confidence: 'confirmed',
  status: 'active',
  subject: { kind: 'unit', id: 'unit:api.service', name: 'api.service', peers: ['127.0.0.1:8080'] },
  title: 'The service behind the upstream is not running',
  explanation: 'Unit api.service is failed since 07:31:02 and nothing listens on 127.0.0.1:8080.',
  share: 0.02,
  evidence: [
    { source: 'journal:api.service', text: 'api.service: Main process exited, code=exited, status=1/FAILURE' },
    { source: 'probe:connect tcp:127.0.0.1:8080', text: 'ECONNREFUSED after 0 ms' },
  ],
  symptoms: ['symptom:2'],
  consequences: ['no-live-upstreams'],
  fixes: [
    {
      id: 'start-unit',
      summary: 'Start api.service',
      automatic: true,
      risk: 'low',
      minutes: 1,
      steps: [{ kind: 'command', argv: ['systemctl', 'start', 'api.service'], undo: ['systemctl', 'stop', 'api.service'], disruptive: false, why: 'It is not running' }],
      validate: [],
      verify: '127.0.0.1:8080 takes a connection',
    },
  ],
};

const logAdvice: Finding = {
  fault: 'logging-not-ready',
  layer: 'nginx',
  confidence: 'confirmed',
  status: 'latent',
  subject: { kind: 'server', id: 'server:1', name: 'shop.example.com', peers: [] },
  title: 'The access log cannot tell who made an error answer',
  explanation: 'Its format lacks $upstream_addr and $upstream_status.',
  share: 0,
  evidence: [{ source: `config:${site}:1`, text: 'server {' }],
  symptoms: [],
  consequences: [],
  advice: true,
  fixes: [],
};

const queueSymptom: ReportSymptom = {
  id: 'symptom:1',
  class: 'connect-queue-full',
  upstream: socket,
  server: 'shop.example.com',
  urlTemplate: '/index.php',
  method: 'GET',
  status: 502,
  madeBy: 'nginx',
  count: 1791,
  ongoing: true,
  firstAt: '2026-11-21T07:26:41.000Z',
  lastAt: '2026-11-21T07:39:58.000Z',
  shape: 'steady since 07:26:41',
  samples: [{ source: 'file:/var/log/nginx/error.log:8812', text: poolFinding.evidence[2]?.text ?? '' }],
};

const refusedSymptom: ReportSymptom = {
  ...queueSymptom,
  id: 'symptom:2',
  class: 'connect-refused',
  upstream: '127.0.0.1:8080',
  urlTemplate: '/api/{id}',
  count: 37,
  samples: [{ source: 'file:/var/log/nginx/error.log:8790', text: '2026/11/21 07:39:12 [error] 702#702: *20114 connect() failed (111: Connection refused) while connecting to upstream' }],
};

const unblamedSymptom: ReportSymptom = {
  ...queueSymptom,
  id: 'symptom:3',
  class: 'unattributed-5xx',
  madeBy: 'unknown',
  urlTemplate: '/checkout',
  method: 'POST',
  count: 15,
  because: 'the log format lacks $upstream_status',
  samples: [{ source: 'file:/var/log/nginx/access.log', text: '203.0.113.9 - - [21/Nov/2026:07:33:10 +0000] "POST /checkout HTTP/1.1" 502 157 "-" "curl/7.88.1"' }],
};

const base: Report = {
  schemaVersion: 1,
  tool: { name: 'badhop', version: '0.1.0' },
  host: { name: 'local', hostname: 'web1', os: 'Debian GNU/Linux 12 (bookworm)', kernel: '6.1.0-28-amd64', user: 'root', nginx: ['nginx 1.22.1'] },
  startedAt: '2026-11-21T07:40:00.000Z',
  durationMs: 1240,
  window: { from: '2026-11-21T07:25:00.000Z', to: '2026-11-21T07:40:00.000Z' },
  verdict: 'healthy',
  summary: 'No request failed in the last 15 minutes and every backend answers',
  traffic: { requests: 20_412, failed: 0, explainedShare: 0, unexplainedShare: 0 },
  topology: {
    servers: [server],
    routes: [phpRoute, apiRoute],
    groups: [
      { id: 'group:1', name: socket, explicit: false, origin: { path: site, line: 15 }, peerIds: [socket], zone: false, settings: {} },
      { id: 'group:2', name: 'api', explicit: true, origin: { path: '/etc/nginx/conf.d/api.conf', line: 1 }, peerIds: ['127.0.0.1:8080'], zone: false, settings: {} },
    ],
    peers: [phpPeer, apiPeer],
    services: [
      {
        id: 'php-fpm:www',
        kind: 'php-fpm',
        name: 'php-fpm pool www',
        unit: 'php8.2-fpm.service',
        masterPid: 811,
        workerPids: [812, 813, 814, 815, 816],
        listening: [{ kind: 'unix', path: '/run/php/php8.2-fpm.sock' }],
        configuredListen: [{ value: { kind: 'unix', path: '/run/php/php8.2-fpm.sock' }, source: `file:${pool}:36` }],
        speaks: 'fastcgi',
        manager: 'dynamic',
        workersMax: { value: 5, source: `file:${pool}:115` },
        configFiles: [pool],
        logFiles: ['/var/log/php8.2-fpm.log'],
      },
      { id: 'unit:api.service', kind: 'other', name: 'api.service', unit: 'api.service', workerPids: [], listening: [], configuredListen: [], configFiles: [], logFiles: [] },
    ],
  },
  symptoms: [],
  findings: [],
  ruledOut: [],
  notChecked: [],
  internalErrors: [],
};

const ruledOut = [
  { fault: 'backend-hung', because: 'the children use CPU and finish requests' },
  { fault: 'socket-permission-denied', because: 'www-data may open /run/php/php8.2-fpm.sock' },
];

const notChecked = [
  { what: 'Firewall rules', why: 'nft refused: Operation not permitted', how: 'run as root to see them' },
  { what: 'Kernel log', why: 'dmesg refused: Operation not permitted', how: 'run as root, or join the group adm' },
  { what: 'The slow log of pool www', why: 'it is not configured', how: 'set request_slowlog_timeout' },
];

/** One report a situation, as the engine would build it. */
export const sampleReports = {
  failing: {
    ...base,
    verdict: 'failing',
    summary: '1,843 of 20,412 requests failed in the last 15 minutes, and it goes on',
    traffic: { requests: 20_412, failed: 1843, explainedShare: 0.992, unexplainedShare: 0.008 },
    symptoms: [queueSymptom, unblamedSymptom],
    findings: [poolFinding, queueFinding, logAdvice],
    ruledOut,
    notChecked,
    checked: { faults: 30, probes: 6 },
  },
  'two-roots': {
    ...base,
    verdict: 'failing',
    summary: '1,843 of 20,412 requests failed in the last 15 minutes, and it goes on',
    traffic: { requests: 20_412, failed: 1843, explainedShare: 0.992, unexplainedShare: 0.008 },
    symptoms: [queueSymptom, refusedSymptom, unblamedSymptom],
    findings: [poolFinding, apiFinding, queueFinding],
    ruledOut,
    notChecked,
  },
  'since-a-change': {
    ...base,
    verdict: 'failing',
    summary: '37 of 20,412 requests failed in the last 15 minutes, and it goes on',
    traffic: { requests: 20_412, failed: 37, explainedShare: 1, unexplainedShare: 0 },
    symptoms: [
      {
        ...refusedSymptom,
        since: [
          { text: '1 s after nginx.service was reloaded', source: 'journal:nginx.service', at: '2026-11-21T07:26:40.000Z' },
          {
            text: `12 s after ${site} changed`,
            source: `file:${site}`,
            at: '2026-11-21T07:26:29.000Z',
            diff: `--- ${site}.bak\n+++ ${site}\n@@ -20,3 +20,3 @@\n     location /api/ {\n-        proxy_pass http://127.0.0.1:8088;\n+        proxy_pass http://127.0.0.1:8080;\n     }`,
          },
        ],
        where: 'only GET below /api/',
      },
    ],
    findings: [{ ...apiFinding, share: 1 }],
  },
  healthy: { ...base, findings: [logAdvice], checked: { faults: 30, probes: 6 } },
  recovered: {
    ...base,
    verdict: 'recovered',
    summary: '37 requests failed between 07:31:02 and 07:33:20; since then none has, and every backend answers',
    traffic: { requests: 19_001, failed: 37, explainedShare: 1, unexplainedShare: 0 },
    symptoms: [{ ...refusedSymptom, ongoing: false, firstAt: '2026-11-21T07:31:02.000Z', lastAt: '2026-11-21T07:33:20.000Z', shape: 'one burst of 138 s' }],
    findings: [
      {
        ...apiFinding,
        status: 'past',
        share: 1,
        explanation: 'Unit api.service was down from 07:31:02 to 07:33:21 and runs again.',
        fixes: [
          {
            id: 'restart-on-failure',
            summary: 'Let systemd start api.service again when it fails',
            automatic: false,
            risk: 'low',
            minutes: 3,
            steps: [{ kind: 'manual', text: 'Set Restart=on-failure in a drop-in of the unit', commands: ['systemctl edit api.service'] }],
            validate: [],
            verify: 'systemctl show -p Restart api.service says on-failure',
          },
        ],
      },
    ],
  },
  'at-risk': {
    ...base,
    verdict: 'at-risk',
    summary: 'Nothing fails now, but nginx would not start again with the configuration on disk',
    findings: [
      {
        fault: 'nginx-config-invalid',
        layer: 'nginx',
        confidence: 'confirmed',
        status: 'latent',
        share: 0,
        symptoms: [],
        consequences: [],
        subject: { kind: 'nginx', id: 'nginx', name: 'nginx', peers: [] },
        title: 'The configuration on disk does not pass nginx -t',
        explanation: 'The running workers still use the old one; the next reload does nothing and the next restart takes the site down.',
        evidence: [{ source: 'exec:nginx -t', text: `nginx: [emerg] unknown directive "proxy_pas" in ${site}:21` }],
        fixes: [
          {
            id: 'correct-directive',
            summary: 'Correct the directive in line 21',
            automatic: false,
            risk: 'low',
            minutes: 2,
            steps: [{ kind: 'manual', text: 'Open the file at the line that nginx names', commands: [`vi +21 ${site}`] }],
            validate: [['nginx', '-t']],
            verify: 'nginx -t says that the test is successful',
          },
        ],
      },
    ],
  },
  inconclusive: {
    ...base,
    host: { ...base.host, user: 'deploy' },
    verdict: 'inconclusive',
    summary: 'Requests fail, and what would tell why could not be read',
    traffic: { requests: 20_412, failed: 15, explainedShare: 0, unexplainedShare: 1 },
    symptoms: [unblamedSymptom],
    notChecked: [
      { what: 'Error log of nginx', why: '/var/log/nginx/error.log may not be read by deploy', how: 'Run as root, or join the group adm' },
      ...notChecked,
    ],
    internalErrors: ['accept-queue-overflow: TypeError: x is not a function | at detect'],
  },
  hostile: {
    ...base,
    host: { ...base.host, hostname: 'web\u001B[2J1', name: 'bundle:\u202Egnp.exe' },
    verdict: 'failing',
    summary: '3 requests failed',
    traffic: { requests: 4, failed: 3, explainedShare: 1, unexplainedShare: 0 },
    symptoms: [{ ...refusedSymptom, urlTemplate: '/\u001B]0;owned\u0007/{id}', count: 3 }],
    findings: [
      {
        ...apiFinding,
        share: 1,
        subject: { kind: 'unit', id: 'unit:evil', name: 'evil\u009B31m\u200B.service', peers: ['127.0.0.1:8080'] },
        explanation: 'Text with \u0000 NUL, \u007F DEL, \u2066isolate\u2069, \uD800 half a pair, zalgo Z\u0301\u0302\u0303\u0304\u0305, 日本語 and 🔥.',
        evidence: [
          { source: 'file:/var/log/nginx/error.log:1', text: 'GET /\r\n✓ HEALTHY  all is well\u001B[1A\u001B[2K HTTP/1.1' },
          { source: 'file:/var/log/nginx/error.log:2', text: `${'A'.repeat(5000)} 日本語${'火'.repeat(200)}` },
        ],
        fixes: [
          {
            id: 'start-unit',
            summary: 'Start it\u001B[8m',
            automatic: false,
            risk: 'high',
            minutes: 1,
            steps: [{ kind: 'command', argv: ['systemctl', 'start', "it's; rm -rf $(x)", 'a\u001Bb\n\u202Ec'], disruptive: true, why: 'because' }],
            validate: [],
            verify: 'it runs',
          },
        ],
      },
    ],
  },
} as const satisfies Record<string, Report>;
