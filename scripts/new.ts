import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Layer } from '../src/core/model/fault.ts';
import { entryFiles, generate } from './generate.ts';

/** Stands in every file of a scaffold until somebody has written it; the registry test refuses it. */
export const scaffoldMark = ['SCAFFOLD', 'replace this'].join(': ');

const layers: readonly Layer[] = ['backend', 'capacity', 'address', 'network', 'protocol', 'tls', 'nginx', 'app'];
const usage = `usage: npm run new fault <id> [layer]
  id      the failing state as a noun phrase in kebab-case, e.g. backend-down
  layer   ${layers.join(', ')} (default: backend)`;

/** What cannot be done with these words, in one sentence; `undefined` where all is well. */
export function problemWith(root: string, [kind, id, layer = 'backend', ...rest]: readonly string[]): string | undefined {
  if (kind !== 'fault' || id === undefined || rest.length > 0) return usage;
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)+$/.test(id)) return `"${id}" is no fault id: two or more words in lower case, joined by hyphens.`;
  if (!isLayer(layer)) return `"${layer}" is no layer. There are: ${layers.join(', ')}.`;
  const taken = entryFiles(root, { folder: 'src/core/faults', define: 'defineFault' }).find(path => path.endsWith(`/${id}.ts`));
  if (taken !== undefined) return `The fault "${id}" exists: src/core/faults/${taken}.`;
  const inTheWay = [...filesOf(id, layer).keys()].find(path => existsSync(join(root, path)));
  return inTheWay === undefined ? undefined : `${inTheWay} exists; nothing was written.`;
}

/** The four files that a new fault touches by hand, with their first text. */
export function filesOf(id: string, layer: Layer): ReadonlyMap<string, string> {
  return new Map([
    [`src/core/faults/${layer}/${id}.ts`, faultText(id, layer)],
    [`lab/scenarios/${id}.ts`, scenarioText(id)],
    [`docs/faults/${id}.md`, pageText(id)],
    [`.changeset/${id}.md`, `---\n'badhop': minor\n---\n\n${scaffoldMark}: one sentence for the change log about \`${id}\`.\n`],
  ]);
}

function faultText(id: string, layer: Layer): string {
  return `import { defineFault } from '../../model/fault.ts';

/** ${scaffoldMark}: what is wrong, and what tells it apart from the faults that look the same. */
export default defineFault({
  meta: {
    id: '${id}',
    layer: '${layer}',
    title: '${scaffoldMark}',
    explains: ['connect-refused'],
    requires: ['symptoms'],
    leadsTo: [],
    messages: { seen: '${scaffoldMark}: {upstream} …' },
  },
  *detect({ symptoms }) {
    for (const symptom of symptoms) {
      const [sample] = symptom.errorGroups.flatMap(group => group.samples);
      if (symptom.class !== 'connect-refused' || sample === undefined) continue;
      const upstream = symptom.upstream ?? 'the backend';
      yield {
        confidence: 'possible',
        status: symptom.ongoing ? 'active' : 'past',
        subject: { kind: 'upstream', id: upstream, name: upstream, peers: [upstream] },
        messageId: 'seen',
        data: { upstream },
        evidence: [{ source: \`file:\${sample.source.path}\`, text: sample.text }],
        symptoms: [symptom.id],
      };
    }
  },
});
`;
}

function scenarioText(id: string): string {
  return `import { defineScenario } from '../scenario.ts';
import type { LabHost } from '../host.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

export default [
  defineScenario({
    name: '${id}',
    title: '${scaffoldMark}: what breaks, in one sentence',
    kind: 'fault',
    fault: '${id}',
    setUp,
    breakIt: host => host.systemctl('stop', 'orders'),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
    repair: host => host.start('orders'),
  }),
  defineScenario({
    name: '${id}-twin',
    title: '${scaffoldMark}: the same message, from another cause',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: '${id}',
    setUp,
    breakIt: host => host.systemctl('stop', 'orders'),
    expect: { verdict: 'failing', status: 'active' },
    repair: host => host.start('orders'),
  }),
];

async function setUp(host: LabHost): Promise<void> {
  await gunicorn(host, { name: 'orders', code: wsgiApp('orders'), bind: '127.0.0.1:8017', workers: 2 });
  await nginxSite(host, { name: 'orders', server: 'location / { proxy_pass http://127.0.0.1:8017; }' });
  await startNginx(host);
}
`;
}

function pageText(id: string): string {
  return `# ${id}

## What it means

${scaffoldMark}: what is wrong, in two or three sentences.

\`\`\`nginx-error-log fires connect-refused
2026/11/21 01:55:14 [error] 537#537: *4 connect() failed (111: Connection refused) while connecting to upstream, client: 192.0.2.7, server: shop.example, request: "GET / HTTP/1.1", upstream: "http://127.0.0.1:8080/", host: "shop.example"
\`\`\`

## How badhop knows

What must be seen for \`confirmed\`, and what for less.

## What to do

The commands, in order.

## When it is wrong

What looks the same and is something else.

## See also

The pages of its neighbours.
`;
}

function isLayer(name: string): name is Layer {
  return layers.some(layer => layer === name);
}

if (import.meta.main) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const words = process.argv.slice(2);
  const problem = problemWith(root, words);
  const [, id = '', layer = 'backend'] = words;
  if (problem !== undefined || !isLayer(layer)) {
    console.error(problem);
    process.exitCode = 2;
  } else {
    for (const [path, text] of filesOf(id, layer)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
      console.log(`wrote ${path}`);
    }
    const { stale, problems } = await generate(root, false);
    for (const path of stale) console.log(`wrote ${path}`);
    for (const text of problems) console.error(text);
    console.log(`\nReplace every "${scaffoldMark}", then: npm run unit, npm run lab -- ${id}`);
  }
}
