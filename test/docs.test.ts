import { describe, expect, it } from 'vitest';
import { parseErrorRecord } from '../src/core/parsers/nginx-error-log.ts';
import { faults } from '../src/core/faults/index.ts';
import { messageClasses, type MessageClass } from '../src/core/model/facts/logs.ts';
import type { Symptom } from '../src/core/model/facts/topology.ts';
import { schemaClasses } from './report-schema.ts';
import { blocksOf } from './fenced-blocks.ts';
import { filesBelow, isThere, textOf } from './source-files.ts';

/** A sample in a fault's page: `nginx-error-log fires <class>`. */
const firesInfo = /^nginx-error-log fires (\S+)$/;
const logClasses = new Set<string>(messageClasses);

describe.each(faults.map(({ meta }) => [meta.id, meta] as const))('the page of %s shows what fires it', (id, meta) => {
  const samples = blocksOf(`docs/faults/${id}.md`).flatMap(({ info, text }) => {
    const [, name] = firesInfo.exec(info) ?? [];
    return name === undefined ? [] : text.split('\n').map(line => ({ name, line }));
  });

  it('has a sample where an error-log line can show it', () => {
    const shown = meta.explains.some(name => logClasses.has(name));
    expect(samples.length > 0, `explains ${meta.explains.join(', ')}`).toBe(shown);
  });

  it.each(samples)('$name: $line', ({ name, line }) => {
    const record = parseErrorRecord(line, {
      timeOf: wall => Date.parse(`${wall.replaceAll('/', '-').replace(' ', 'T')}Z`),
      source: { path: 'sample', offset: 0 },
    });
    expect(record?.class).toBe(name);
    expect(meta.explains).toContain(name);
  });
});

describe('the documents', () => {
  const pages = [...filesBelow('docs', '.md'), 'README.md', 'CONTRIBUTING.md'];

  it.each(pages)('%s links to files that are there', page => {
    const links = [...textOf(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].flatMap(([, link]) => link ?? []);
    const local = links.filter(link => !/^[a-z]+:/.test(link));
    const folder = page.includes('/') ? page.slice(0, page.lastIndexOf('/') + 1) : '';
    expect(local.filter(link => !isThere(folder + link))).toEqual([]);
  });

  it.each(['README.md', 'CONTRIBUTING.md', ...filesBelow('docs', '.md')])('%s names npm scripts that exist', page => {
    const { scripts } = JSON.parse(textOf('package.json')) as { readonly scripts: Readonly<Record<string, string>> };
    const named = blocksOf(page).flatMap(({ text }) => [...text.matchAll(/\bnpm (?:run )?([a-z][a-z:]*)/g)].flatMap(([, name]) => name ?? []));
    const builtIn = new Set(['ci', 'install', 'publish', 'pack', 'exec']);
    expect(named.filter(name => !builtIn.has(name) && scripts[name] === undefined)).toEqual([]);
  });

  it('keeps the decisions in one form', () => {
    const forms = filesBelow('docs/adr', '.md').map(path => ({ path, head: textOf(path).split('\n').slice(0, 3).join('\n') }));
    expect(forms.length).toBeGreaterThan(0);
    expect(forms.filter(({ head }) => !/^# \d{3} · .+\n\nStatus: (accepted|replaced by \d{3})/.test(head)).map(({ path }) => path)).toEqual([]);
  });
});

/** What a symptom may be beside a class of messages: the compiler says where one is missing. */
const symptomClasses: Readonly<Record<Exclude<Symptom['class'], MessageClass>, true>> = {
  'backend-answered-5xx': true,
  'unattributed-5xx': true,
  'client-refused': true,
  'probe-failed': true,
  'client-closed': true,
  'upgrade-lost': true,
};

describe('the schemas of the reports', () => {
  it('name every class of messages that there is', () => {
    const { diagnosis, logs } = schemaClasses();
    expect([...logs].sort()).toEqual([...messageClasses].sort());
    expect([...diagnosis].sort()).toEqual([...messageClasses, ...Object.keys(symptomClasses)].sort());
  });
});
