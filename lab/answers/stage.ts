import type { LabHost } from '../host.ts';
import { apacheBackend } from '../servers/apache.ts';
import { caddy } from '../servers/caddy.ts';
import { haproxyOf } from '../servers/haproxy.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { phpFpm } from '../servers/php-fpm.ts';
import { gunicorn } from '../servers/python.ts';
import { rawTcp } from '../servers/raw-tcp.ts';
import { varnish } from '../servers/varnish.ts';

/** The products of the stage. Each answers on a port of its own and passes `/PRODUCT/…` on to that product as `/…`. */
export const stagePorts = { nginx: 8101, apache: 8102, haproxy: 8103, caddy: 8104, varnish: 8105 } as const;

export type StageProduct = keyof typeof stagePorts;

export const stageProducts = Object.keys(stagePorts) as readonly StageProduct[];

/**
 * What is behind `/FAULT` of each product. `refused`: nothing listens. `closed`, `reset`: after the request. `hanging`: never answers.
 * `no-http`: bytes that are no HTTP. `big-header`: more than any of them takes. `app-502` and the like: an application answers so
 * itself, with its own page. `bare-502`: the same without a body and without a Server field; `plain-502`: with a page and without that field.
 */
const backendPorts = {
  refused: 9301,
  closed: 9302,
  reset: 9303,
  hanging: 9304,
  'no-http': 9305,
  'big-header': 9306,
  'app-502': 9307,
  'app-503': 9308,
  'app-504': 9309,
  'bare-502': 9310,
  'plain-502': 9311,
} as const;

export type StageFault = keyof typeof backendPorts;

/** An application over FastCGI that answers 503 with a page, or 502 without one, and names itself nowhere. */
const fastcgi = '127.0.0.1:9312';
const fastcgiRoot = '/var/www/fcgi';

/** Without those that a product makes in its own way: `spent`, pages of somebody's own, and what only some of them speak, as FastCGI. */
export const stageFaults = Object.keys(backendPorts) as readonly StageFault[];

const here = '127.0.0.1';
/** Where nginx and Apache have an error page of somebody's own. */
const pages = '/var/www/pages';
/** An inner product gives up long before an outer one does. */
const innerSeconds = 0.5;
const outerSeconds = 8;

/** All five products beside each other on one host, each of them in front of each, and in front of every broken backend. */
export async function raiseStage(host: LabHost): Promise<void> {
  await Promise.all([...backends(host), fastcgiApplication(host), nginx(host), apache(host), haproxy(host), caddyServer(host), varnishServer(host)]);
}

/** Answers with the status of the port that it was asked on, and a page of its own. */
const application = `PAGE = b"<!doctype html><title>Shop</title><h1>We will be back</h1><p>The stock service is away.</p>\\n"
STATUS = {"${backendPorts['app-502']}": "502 Bad Gateway", "${backendPorts['app-503']}": "503 Service Unavailable", "${backendPorts['app-504']}": "504 Gateway Timeout"}


def app(environ, start_response):
    start_response(STATUS[environ["SERVER_PORT"]], [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(PAGE)))])
    return [PAGE]
`;

/** As Node.js orders its fields. */
const plainPage = '<!doctype html><title>Shop</title><h1>Bad gateway</h1>\n';
const plainHead = ['Content-Type: text/html; charset=utf-8', `Content-Length: ${plainPage.length}`, 'Date: Sat, 21 Nov 2026 12:00:00 GMT', 'Connection: close'];

function fastcgiApplication(host: LabHost): Promise<void> {
  const script = (status: number, page: string): string => `<?php http_response_code(${status}); header_remove('X-Powered-By'); echo '${page}';`;
  return phpFpm(host, {
    listen: fastcgi,
    root: fastcgiRoot,
    files: { 'fcgi-503.php': script(503, '<h1>We are mending it</h1>'), 'fcgi-bare.php': script(502, '') },
  });
}

function backends(host: LabHost): Promise<void>[] {
  const at = (fault: StageFault) => ({ name: fault, listen: `${here}:${backendPorts[fault]}` });
  return [
    rawTcp(host, { ...at('closed'), behaviour: 'close' }),
    rawTcp(host, { ...at('reset'), behaviour: 'reset' }),
    rawTcp(host, { ...at('hanging'), behaviour: 'hang' }),
    rawTcp(host, { ...at('no-http'), behaviour: 'garbage' }),
    rawTcp(host, { ...at('big-header'), behaviour: 'big-header', size: 200_000 }),
    gunicorn(host, { name: 'shop', code: application, bind: at('app-502').listen, args: [`--bind ${at('app-503').listen}`, `--bind ${at('app-504').listen}`] }),
    rawTcp(host, { ...at('plain-502'), behaviour: 'answer', text: `HTTP/1.1 502 Bad Gateway\r\n${plainHead.join('\r\n')}\r\n\r\n${plainPage}` }),
    rawTcp(host, { ...at('bare-502'), behaviour: 'answer', text: 'HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n' }),
  ];
}

/** For each product and each backend: the first part of the path, where it leads, and how long it may take. */
const routes = [
  ...stageProducts.map(name => ({ name: name as string, port: stagePorts[name] as number, seconds: outerSeconds })),
  ...stageFaults.map(name => ({ name: name as string, port: backendPorts[name] as number, seconds: innerSeconds })),
];

async function nginx(host: LabHost): Promise<void> {
  const locations = routes.map(
    ({ name, port, seconds }) =>
      `location /${name}/ { proxy_pass http://${here}:${port}/; proxy_read_timeout ${seconds * 1000}ms; proxy_connect_timeout 2s; }\n`,
  );
  const own = `location /spent/ { limit_req zone=few; proxy_pass http://${here}:${backendPorts['app-502']}/; }
location /custom/ { proxy_pass http://${here}:${backendPorts.refused}/; error_page 502 /sorry; }
location /file/ { proxy_pass http://${here}:${backendPorts.refused}/; error_page 502 /away.html; }
location /intercepted/ { proxy_pass http://${here}:${backendPorts['app-502']}/; proxy_intercept_errors on; error_page 502 /away.html; }
location /emptied/ { proxy_pass http://${here}:${backendPorts.refused}/; error_page 502 /empty.txt; }
location ~ ^/(fcgi-503|fcgi-bare)/ { include fastcgi_params; fastcgi_param SCRIPT_FILENAME ${fastcgiRoot}/$1.php; fastcgi_pass ${fastcgi}; }
location = /empty.txt { internal; root ${pages}; }
location = /away.html { internal; root ${pages}; }
location = /sorry { internal; default_type text/html; return 502 "<h1>Sorry</h1>"; }\n`;
  await nginxSite(host, {
    name: 'stage',
    listen: `${here}:${stagePorts.nginx}`,
    http: 'limit_req_zone $server_port zone=few:1m rate=1r/m;',
    server: `${locations.join('')}${own}`,
  });
  await startNginx(host);
}

/** Without reuse of connections: HAProxy closes after an error, and Apache would now and then answer 502 itself. */
async function apache(host: LabHost): Promise<void> {
  const passes = routes.map(
    ({ name, port, seconds }) => `  ProxyPass /${name}/ http://${here}:${port}/ timeout=${Math.max(1, seconds)} connectiontimeout=2 retry=0 disablereuse=on\n`,
  );
  const own = `  ProxyPass /fcgi-hanging/ fcgi://${here}:${backendPorts.hanging}/ timeout=1 retry=0
  ProxyPass /custom/ http://${here}:${backendPorts.refused}/ retry=0
  ProxyPass /file/ http://${here}:${backendPorts.refused}/ retry=0
  ProxyPass /emptied/ http://${here}:${backendPorts.refused}/ retry=0
  ProxyPassMatch ^/(fcgi-503|fcgi-bare)/ fcgi://${fastcgi}${fastcgiRoot}/$1.php
  ProxyPass /intercepted/ http://${here}:${backendPorts['app-503']}/ retry=0
  <Location /intercepted/>
    ProxyErrorOverride On
    ErrorDocument 503 /away.html
  </Location>
  <Location /emptied/>
    ErrorDocument 503 /empty.txt
  </Location>
  <Location /file/>
    ErrorDocument 503 /away.html
  </Location>
  <Location /custom/>
    ErrorDocument 503 "<h1>Sorry</h1>"
  </Location>\n`;
  const files = { 'away.html': '<h1>We are away for a moment.</h1>\n', 'empty.txt': '' };
  await apacheBackend(host, {
    files,
    root: pages,
    listen: `${here}:${stagePorts.apache}`,
    modules: ['proxy_http', 'proxy_fcgi'],
    config: `${passes.join('')}${own}`,
  });
}

async function haproxy(host: LabHost): Promise<void> {
  const uses = routes.map(({ name }) => `  use_backend ${name} if { path_beg /${name}/ }\n`);
  const strip = '  http-request replace-path /[^/]+(/.*) \\1\n';
  const backend = ({ name, port, seconds }: (typeof routes)[number]): string =>
    `backend ${name}\n${strip}  retries 0\n  timeout server ${seconds * 1000}ms\n  server one ${here}:${port}\n`;
  await host.write('/etc/haproxy/sorry.http', 'HTTP/1.0 503 Service Unavailable\r\nContent-Type: text/html\r\n\r\n<h1>Sorry</h1>\n');
  const custom = `backend custom\n  retries 0\n  errorfile 503 /etc/haproxy/sorry.http\n  server one ${here}:${backendPorts.refused}\n`;
  await host.write('/etc/haproxy/empty.http', 'HTTP/1.0 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n');
  const emptied = `backend emptied\n  retries 0\n  errorfile 503 /etc/haproxy/empty.http\n  server one ${here}:${backendPorts.refused}\n`;
  await haproxyOf(
    host,
    `${here}:${stagePorts.haproxy}`,
    `frontend stage\n  bind ${here}:${stagePorts.haproxy}\n${uses.join('')}  use_backend custom if { path_beg /custom/ }\n  use_backend emptied if { path_beg /emptied/ }\n${routes.map(backend).join('')}${custom}${emptied}`,
  );
}

async function caddyServer(host: LabHost): Promise<void> {
  const handles = routes.map(
    ({ name, port, seconds }) =>
      `  handle_path /${name}/* {\n    reverse_proxy ${here}:${port} {\n      transport http {\n        response_header_timeout ${seconds * 1000}ms\n        keepalive off\n      }\n    }\n  }\n`,
  );
  const own = `  handle_path /spent/* {\n    reverse_proxy ${here}:${backendPorts.refused} {\n      fail_duration 60s\n    }\n  }
  @fcgi path_regexp script ^/(fcgi-503|fcgi-bare)/
  handle @fcgi {\n    rewrite * /{re.script.1}.php\n    reverse_proxy ${fastcgi} {\n      transport fastcgi {\n        root ${fastcgiRoot}\n        split .php\n      }\n    }\n  }
  handle /file/* {\n    reverse_proxy ${here}:${backendPorts.refused}\n  }
  handle_errors {\n    @file path /file/*\n    handle @file {\n      root * ${pages}\n      rewrite * /away.html\n      file_server\n    }\n    @custom path /custom/*\n    respond @custom "<h1>Sorry</h1>" {err.status_code}\n  }
  handle /custom/* {\n    reverse_proxy ${here}:${backendPorts.refused}\n  }\n`;
  await caddy(host, { listen: `${here}:${stagePorts.caddy}`, config: `${handles.join('')}${own}` });
}

async function varnishServer(host: LabHost): Promise<void> {
  const nameOf = (name: string): string => `to_${name.replaceAll('-', '_')}`;
  const backend = ({ name, port, seconds }: (typeof routes)[number]): string =>
    `backend ${nameOf(name)} { .host = "${here}"; .port = "${port}"; .first_byte_timeout = ${seconds}s; .connect_timeout = 2s; }\n`;
  const pick = ({ name }: (typeof routes)[number]): string =>
    `  if (req.url ~ "^/${name}/") { set req.backend_hint = ${nameOf(name)}; set req.url = regsub(req.url, "^/[^/]+", ""); return (pass); }\n`;
  const custom = `sub vcl_backend_error {
  if (bereq.url ~ "^/custom/") { set beresp.http.Content-Type = "text/html"; synthetic("<h1>Sorry</h1>"); return (deliver); }
  if (bereq.url ~ "^/emptied/") { unset beresp.http.Content-Type; synthetic(""); return (deliver); }
}\n`;
  const vcl = `${routes.map(backend).join('')}sub vcl_recv {\n${routes.map(pick).join('')}  set req.backend_hint = ${nameOf('refused')};\n  return (pass);\n}\n${custom}`;
  await varnish(host, { listen: `${here}:${stagePorts.varnish}`, vcl });
}
