import type { LogsReport } from '../../src/core/model/logs-report.ts';
import type { RunBadhop } from '../badhop.ts';
import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { nginxSite, replaceIn, startNginx } from '../servers/nginx.ts';
import { gunicorn, uwsgi, wsgiApp } from '../servers/python.ts';

const URL = 'http://127.0.0.1:8060/';

export default [
  defineScenario({
    name: 'logs-in-the-journal',
    title: "Every log goes to the journal: nginx's by syslog and standard error, gunicorn's and uWSGI's by their output; gunicorn was stopped",
    kind: 'fault',
    fault: 'backend-down',
    url: URL,
    setUp,
    breakIt: host => host.systemctl('stop', 'tills'),
    traffic: { urls: [URL, 'http://127.0.0.1:8060/desk/status?c=503'], rps: 12 },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
    also: async (_, badhop) => {
      const [nginx, tills, desks, own, missing] = await Promise.all([
        logsOf(badhop, ['--journal', 'nginx.service']),
        logsOf(badhop, ['--journal', 'tills.service']),
        logsOf(badhop, ['--journal', 'desks.service', '--since', '10m']),
        logsOf(badhop, ['--since', '10m']),
        badhop(['logs', '--journal', 'no-such.service']),
      ]);
      const refused = nginx.problems.find(problem => problem.status === 502);
      const [input] = nginx.inputs;
      expectThat('nginx fails', nginx.verdict === 'failing', nginx.summary);
      expectThat('nginx made the 502', refused?.madeBy === 'nginx' && refused.peers.some(({ peer }) => peer === '127.0.0.1:8741'), JSON.stringify(refused));
      expectThat(
        'its messages belong to them',
        refused?.messages.some(({ text }) => text.includes('Connection refused')) === true,
        JSON.stringify(refused?.messages),
      );
      expectThat(
        'uWSGI made the 503',
        nginx.problems.some(({ status, madeBy }) => status === 503 && madeBy === 'backend'),
        nginx.summary,
      );
      expectThat('nothing of nginx is passed over', input !== undefined && input.lines > 20 && input.misfits * 20 < input.lines, JSON.stringify(input));
      // What systemd says of a unit is no line of a log that it writes, and there is little of it.
      expectThat('gunicorn is read', tills.totals.requests > 5 && tills.totals.failed === 0, JSON.stringify({ ...tills.totals, inputs: tills.inputs }));
      expectThat('uWSGI is read', (desks.totals.byStatus['503'] ?? 0) > 3, JSON.stringify({ ...desks.totals, inputs: desks.inputs }));
      expectThat(
        'the journal is read by itself',
        own.inputs.some(({ path, lines }) => path.includes('nginx.service') && lines > 20),
        JSON.stringify(own.inputs),
      );
      expectThat('an unknown unit is no finding', missing.exitCode !== 1 && missing.exitCode !== 0, missing.stdout + missing.stderr);
    },
    stillFails: [503],
    fix: 'first-plan',
  }),
];

async function logsOf(badhop: RunBadhop, args: readonly string[]): Promise<LogsReport> {
  const { stdout, stderr } = await badhop(['logs', ...args, '--format', 'json']);
  try {
    return JSON.parse(stdout) as LogsReport;
  } catch (error) {
    throw new Error(`badhop logs ${args.join(' ')}: ${stderr}`, { cause: error });
  }
}

function expectThat(what: string, is: boolean, seen: string): void {
  if (!is) throw new Error(`${what}: not so: ${seen.slice(0, 2500)}`);
}

async function setUp(host: LabHost): Promise<void> {
  await Promise.all([
    gunicorn(host, { name: 'tills', code: wsgiApp('tills'), bind: '127.0.0.1:8741', args: ['--access-logfile', '-'] }),
    uwsgi(host, { name: 'desks', code: wsgiApp('desks'), bind: '127.0.0.1:8742' }),
  ]);
  await nginxSite(host, {
    name: 'counter',
    listen: '127.0.0.1:8060',
    http: `log_format hops '$remote_addr [$time_local] "$request" $status $body_bytes_sent $request_time "$upstream_addr" "$upstream_status" "$upstream_header_time"';`,
    server: `
      access_log syslog:server=unix:/dev/log,nohostname,tag=counter hops;
      location / { proxy_pass http://127.0.0.1:8741; }
      location /desk/ { rewrite ^/desk(.*)$ $1 break; include uwsgi_params; uwsgi_pass 127.0.0.1:8742; }`,
  });
  await replaceIn(host, '/etc/nginx/nginx.conf', 'error_log /var/log/nginx/error.log;', 'error_log stderr;');
  await startNginx(host);
  await host.request({ urls: [URL, `${URL}desk/`], count: 10, rps: 20 });
}
