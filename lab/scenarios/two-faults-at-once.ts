import type { Report } from '../../src/core/model/report.ts';
import { defineScenario } from '../scenario.ts';
import type { LabHost } from '../host.ts';
import { nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

const cart = 'http://127.0.0.1/cart/';
const stock = 'http://127.0.0.1/stock/big-header?n=12000';

/** One nginx, two applications that have nothing to do with each other. */
async function setUp(host: LabHost): Promise<void> {
  await nodeApp(host, { name: 'cart', code: nodeHttp("response.end('cart\\n');"), listen: '127.0.0.1:5610' });
  await gunicorn(host, { name: 'stock', code: wsgiApp('stock'), bind: 'unix:/run/stock/stock.sock' });
  await nginxSite(host, {
    name: 'market',
    http: 'upstream cart { server 127.0.0.1:5610; }',
    server:
      'location /cart/ { proxy_pass http://cart/; }\nlocation /stock/ { proxy_pass http://unix:/run/stock/stock.sock:/; }\nlocation = /up { return 204; }',
    log: 'timed',
  });
  await startNginx(host);
}

/** Both are roots, the one with more failing requests first, and together they explain nearly all. */
function areTwoRoots(first: string, second: string): (report: Report) => string[] {
  return ({ findings, traffic }) => {
    const roots = findings.filter(finding => finding.causedBy === undefined && finding.advice !== true && finding.status === 'active');
    const [one, other] = roots;
    const wrong: string[] = [];
    if (one?.fault !== first || other?.fault !== second)
      wrong.push(`the roots are ${roots.map(root => root.fault).join(', ')}, not ${first} and then ${second}`);
    if ((one?.share ?? 0) <= (other?.share ?? 0)) wrong.push(`the shares are ${one?.share} and ${other?.share}, not the greater first`);
    if (traffic.explainedShare < 0.9) wrong.push(`only ${traffic.explainedShare} of the failing requests is explained`);
    return wrong;
  };
}

const healthy = async (host: LabHost): Promise<void> => {
  const { counts } = await host.request({ urls: [cart, 'http://127.0.0.1/stock/'], count: 2 });
  if (counts['200'] !== 2) throw new Error(`not all well: ${JSON.stringify(counts)}`);
};

const bothFail = async (host: LabHost): Promise<void> => {
  for (const url of [cart, stock]) {
    const { counts } = await host.request({ urls: [url] });
    if (!counts['502']) throw new Error(`${url} does not fail: ${JSON.stringify(counts)}`);
  }
};

async function mendBoth(host: LabHost): Promise<void> {
  await host.start('cart');
  await replaceIn(host, '/etc/nginx/sites-enabled/market.conf', 'location /stock/ {', 'location /stock/ { proxy_buffer_size 32k; proxy_buffers 8 32k;');
  await reloadNginx(host);
}

export default [
  defineScenario({
    name: 'two-faults-at-once',
    title: 'One application was stopped while another sends headers that are too big; the stopped one is asked more',
    kind: 'fault',
    fault: 'backend-down',
    url: cart,
    setUp,
    healthy,
    breakIt: host => host.systemctl('stop', 'cart'),
    symptom: bothFail,
    traffic: { urls: [cart, cart, stock, cart], rps: 12 },
    trafficMs: 2000,
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.6,
      check: areTwoRoots('backend-down', 'response-header-too-big'),
    },
    repair: mendBoth,
  }),
  defineScenario({
    name: 'two-faults-at-once-other-order',
    title: 'The same two faults, and the one with the big headers is asked more',
    kind: 'fault',
    fault: 'response-header-too-big',
    url: stock,
    setUp,
    healthy,
    breakIt: host => host.systemctl('stop', 'cart'),
    symptom: bothFail,
    traffic: { urls: [stock, stock, cart, stock], rps: 12 },
    trafficMs: 2000,
    expect: {
      verdict: 'failing',
      status: 'active',
      minShare: 0.6,
      findings: [{ fault: 'backend-down' }],
      check: areTwoRoots('response-header-too-big', 'backend-down'),
    },
    repair: mendBoth,
  }),
];
