import { defineFix } from '../model/fix.ts';
import type { FixStep } from '../model/finding.ts';
import type { ConfigDirective, NginxConfig } from '../model/facts/nginx.ts';
import { reloadCommand, testCommand } from '../model/nginx-commands.ts';
import { directivesOf, editSteps, type TextChange } from '../model/nginx-edits.ts';

const short: Readonly<Record<string, string>> = {
  upstream_status: 'us',
  upstream_addr: 'ua',
  upstream_header_time: 'uht',
  upstream_connect_time: 'uct',
  upstream_bytes_received: 'ub',
};
const formatName = 'with_upstream';
const combined = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';

/** Appends what is missing to the format, or gives the logs that have none of their own a format that tells. */
export default defineFix({
  id: 'log-upstream-variables',
  fixes: ['logging-not-ready'],
  plan(finding, facts) {
    const { instance: id, format, missing, logs } = finding.fixData ?? {};
    const instance = facts['nginx-instances'].state === 'known' ? facts['nginx-instances'].value.find(one => one.id === id) : undefined;
    const config = facts['nginx-config'].state === 'known' ? facts['nginx-config'].value.find(one => one.instanceId === id) : undefined;
    if (instance === undefined || typeof format !== 'string' || !isNames(missing)) return undefined;
    const fields = missing.map(name => `${short[name] ?? name}=$${name}`).join(' ');
    const changes = config === undefined ? undefined : changesFor(config, format, fields, isPlaces(logs) ? logs : []);
    const edits: FixStep[] = config === undefined || changes === undefined ? [] : editSteps([config], changes);
    const reload = reloadCommand(instance);
    const isComplete = changes !== undefined && edits.length > 0;
    return {
      id: 'log-upstream-variables',
      summary: `Let the access log say who answered (${missing.length} variables more)`,
      automatic: isComplete && reload !== undefined,
      risk: 'medium',
      minutes: 5,
      steps: isComplete
        ? [
            ...edits,
            ...(reload === undefined
              ? []
              : [
                  {
                    kind: 'command',
                    argv: reload,
                    disruptive: false,
                    why: 'nginx writes the longer lines from now on; programs that read the log must expect them.',
                  } as const,
                ]),
          ]
        : [{ kind: 'manual', text: `Add these to log_format ${format}, in the form that it has: ${fields}`, commands: ['nginx -t && systemctl reload nginx'] }],
      validate: [testCommand(instance)],
      verify: 'New lines of the access log end in the upstream variables.',
    };
  },
});

function changesFor(config: NginxConfig, format: string, fields: string, logs: readonly { path: string; line: number }[]): TextChange[] | undefined {
  const all = [...directivesOf(config)];
  const own = all.find(
    ({ directive, within }) => directive.name === 'log_format' && directive.args[0]?.value === format && within.at(-1) === 'http',
  )?.directive;
  if (own !== undefined) return appended(own, fields);
  const http = all.find(({ directive, within }) => directive.name === 'http' && within.length === 0 && directive.block !== undefined)?.directive;
  const text = config.files.find(file => file.path === http?.path)?.text;
  const brace = http === undefined || text === undefined ? -1 : text.indexOf('{', http.start);
  const places = all.filter(({ directive }) => directive.name === 'access_log' && logs.some(log => log.path === directive.path && log.line === directive.line));
  if (format !== 'combined' || http === undefined || brace === -1 || places.length === 0) return undefined;
  if (all.some(({ directive }) => directive.name === 'log_format' && directive.args[0]?.value === formatName)) return undefined;
  const inserted: TextChange = { path: http.path, start: brace + 1, end: brace + 1, text: `\n    log_format ${formatName} '${combined} ${fields}';` };
  return [inserted, ...places.flatMap(({ directive }) => renamed(directive))];
}

/** Fields behind the last piece of the format, inside its quotes. JSON and the like have a form that must not be guessed. */
function appended(format: ConfigDirective, fields: string): TextChange[] | undefined {
  const last = format.args.at(-1);
  const isPlain = !format.args.some(arg => arg.value.startsWith('escape=json')) && !/[}\]]\s*$/.test(last?.value ?? '');
  if (last === undefined || last.quote === '' || !isPlain) return undefined;
  return [{ path: format.path, start: last.end - 1, end: last.end - 1, text: ` ${fields}` }];
}

function renamed(log: ConfigDirective): TextChange[] {
  const [path, second] = log.args;
  if (path === undefined) return [];
  if (second?.value === 'combined') return [{ path: log.path, start: second.start, end: second.end, text: formatName }];
  return [{ path: log.path, start: path.end, end: path.end, text: ` ${formatName}` }];
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every(one => typeof one === 'string');
}

function isPlaces(value: unknown): value is readonly { path: string; line: number }[] {
  return Array.isArray(value) && value.every(one => typeof one === 'object' && one !== null && 'path' in one && 'line' in one);
}
