import { defineScenario } from '../scenario.ts';
import type { LabHost } from '../host.ts';
import { accessTime } from '../servers/log-times.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

const hour = 3_600_000;
/** The failures that are in the log since yesterday. */
const everyMs = 300_000;
const peer = '127.0.0.1:8733';

export default [
  defineScenario({
    name: 'logs-over-a-day',
    title: 'The backend was stopped just now; since yesterday, in rotated logs too, single requests failed every five minutes',
    kind: 'fault',
    fault: 'backend-down',
    setUp,
    breakIt: host => host.systemctl('stop', 'reports'),
    args: ['--tail-window', '26h'],
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, check: ({ history }) => historyProblems(history) },
    also: async (_, badhop) => {
      const [{ stdout, exitCode }, logs] = await Promise.all([
        badhop(['diagnose', '--tail-window', '26h']),
        badhop(['logs', '--since', '26h', '--format', 'json']),
      ]);
      if (exitCode !== 1 || !/Its logs over the last 26 h/.test(stdout) || !/every 300 s/i.test(stdout)) throw new Error(stdout);
      if (!logs.stdout.includes('/var/log/nginx/reports.access.log.2.gz')) throw new Error(`rotated logs were not read: ${logs.stdout.slice(0, 800)}`);
    },
    fix: 'first-plan',
  }),
];

type History = Parameters<NonNullable<ReturnType<typeof defineScenario>['expect']['check']>>[0]['history'];

function historyProblems(history: History): string[] {
  if (history === undefined) return ['no history was told'];
  const { problems, inputs, window } = history.logs;
  const periodic = problems.find(({ shape }) => shape.when === 'periodic');
  const read = inputs.filter(({ lines }) => lines > 0).map(({ path }) => path);
  return [
    ...(periodic === undefined ? [`no problem is periodic: ${problems.map(({ title, shape }) => `${title} (${shape.text})`).join('; ')}`] : []),
    ...(Math.abs((periodic?.shape.period?.everyMs ?? 0) - everyMs) < 3000 ? [] : [`a period of ${periodic?.shape.period?.everyMs} ms`]),
    ...((periodic?.samples[0]?.source ?? '').startsWith('file:/var/log/nginx/reports.access.log.2.gz')
      ? []
      : [`the first failure: ${periodic?.samples[0]?.source}`]),
    ...(read.length >= 3 ? [] : [`only ${read.join(', ')} were read`]),
    ...(Date.now() - Date.parse(window?.from ?? '') > 20 * hour ? [] : [`the logs are told to begin at ${window?.from}`]),
  ];
}

async function setUp(host: LabHost): Promise<void> {
  await gunicorn(host, { name: 'reports', code: wsgiApp('reports'), bind: peer });
  await nginxSite(host, { name: 'reports', log: 'timed', logs: 'own', server: `location / { proxy_pass http://${peer}; }` });
  const now = Date.now();
  await host.write('/var/log/nginx/reports.access.log.2', entries(now - 40 * hour, now - 12 * hour, now - 22 * hour));
  await host.shell('gzip /var/log/nginx/reports.access.log.2 && touch -d "12 hours ago" /var/log/nginx/reports.access.log.2.gz');
  await host.write('/var/log/nginx/reports.access.log.1', entries(now - 12 * hour, now - 2 * hour, now - 22 * hour));
  await host.shell('touch -d "2 hours ago" /var/log/nginx/reports.access.log.1');
  await host.write('/var/log/nginx/reports.access.log', entries(now - 2 * hour, now - 60_000, now - 22 * hour));
  await startNginx(host);
}

/** Good requests every eleven seconds, and failing ones at the same distance since `sinceMs`. */
function entries(fromMs: number, toMs: number, sinceMs: number): string {
  const entry = (timeMs: number, status: number): string =>
    `198.51.100.${1 + (Math.floor(timeMs / 7919) % 200)} - - [${accessTime(new Date(timeMs))}] "GET /report/${Math.floor(timeMs / 1000) % 977} HTTP/1.1" ${status} 157 "-" "curl/7.88.1" ` +
    `rt=0.004 uct=${status === 502 ? '-' : '0.001'} uht=${status === 502 ? '-' : '0.003'} urt=0.004 us=${status} ua=${peer} ub=${status === 502 ? 0 : 300}\n`;
  const times: { readonly timeMs: number; readonly status: number }[] = [];
  for (let timeMs = fromMs; timeMs < toMs; timeMs += 11_000) times.push({ timeMs, status: 200 });
  for (let timeMs = sinceMs; timeMs < toMs; timeMs += everyMs)
    if (timeMs >= fromMs) times.push({ timeMs: timeMs + (Math.floor(timeMs / everyMs) % 3) * 500, status: 502 });
  return times
    .toSorted((a, b) => a.timeMs - b.timeMs)
    .map(({ timeMs, status }) => entry(timeMs, status))
    .join('');
}
