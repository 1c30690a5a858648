import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { attributionOf, authorOf, tally } from '../lab/answers/judge.ts';
import type { StageAnswer } from '../lab/answers/record.ts';
import { identify } from '../src/core/fingerprints/identify.ts';
import type { Product } from '../src/core/fingerprints/product.ts';
import { products } from '../src/core/fingerprints/products/index.ts';
import type { Attribution, ResponseEvidence } from '../src/core/model/fingerprint.ts';
import { bytesFromLatin1 } from '../src/core/parsers/latin1.ts';

interface LabRecord {
  readonly versions: Readonly<Record<string, string>>;
  readonly answers: readonly StageAnswer[];
}

interface PublicRecord {
  readonly answers: readonly {
    readonly name: string;
    readonly made: string;
    readonly source: string;
    readonly answer: Omit<ResponseEvidence, 'body'> & { readonly body: string };
  }[];
}

const folder = 'src/core/fingerprints/recorded.fixtures';
const bases = { live: 'seen in the lab', source: 'read in its source', doc: 'documented', field: 'in public samples', memory: 'not checked' } as const;
const tells = {
  page: 'its own page',
  own: 'on its own answers alone',
  path: 'on all that goes through it',
  passed: 'only on what it passes on',
  replaced: 'its page over the status of another',
  shown: 'its page, over its own error or one from behind',
  style: 'fits it, tells nothing alone',
} as const;

/** `docs/fingerprints.md`: what is known of each product, and what badhop makes of every recorded answer. */
export function fingerprintsPage(root: string, header: string): string {
  const lab = JSON.parse(readFileSync(join(root, folder, 'lab.json'), 'utf8')) as LabRecord;
  const known = JSON.parse(readFileSync(join(root, folder, 'public.json'), 'utf8')) as PublicRecord;
  const errors = lab.answers.filter(({ answer }) => answer.status >= 500);
  const counts = tally(errors);
  return [
    `<!-- ${header} -->`,
    '',
    '# Who answered',
    '',
    'badhop tells from the bytes of an error who made it and who passed it on: from its page, its fields, their order and their case.',
    "A page can be copied, and a field removed: `sure` means that marks agree which are the product's own, `likely` that one of them is there.",
    'Where several can send the same bytes nobody is named: `one of` lists the few that come into question, the likeliest first, a product itself',
    'or what stands *behind* it. One place alone is certain as far as the bytes go; which product stands there is not. `cannot tell` is left for',
    'answers on which no layer has left a mark.',
    '',
    '## In the lab',
    '',
    `Real servers before real faults: ${versionsOf(lab)}. A row is what answered, the columns are what stood before it. What is recorded`,
    'replays in the tests; `node lab/record-answers.ts` records it anew.',
    '',
    ...labTable(errors),
    '',
    '| Of these answers | |',
    '| --- | --- |',
    `| named, and rightly | ${counts.named} |`,
    `| narrowed to one place, to two or to three, of which one made it | ${counts.narrowed} |`,
    `| a page of somebody's own (\`custom\`, \`file\`, \`emptied\`, \`intercepted\`), or no mark of any layer: who made it is among those that come into question | ${counts.hidden} |`,
    `| wrong | ${counts.wrong} |`,
    `| together | ${errors.length} |`,
    '',
    '`plain-502` and `bare-502` are applications that give no name, with a page and without; `fcgi-503` and `fcgi-bare` the same over FastCGI.',
    '`intercepted` is a page of nginx or Apache over an error that an application made: the same bytes as `file`.',
    'nginx puts its own name on what it passes on, so that an application behind it, and a Caddy, have no name left: there the place is told.',
    '',
    '## Recorded elsewhere',
    '',
    'Products that the lab has not, by answers that somebody published, or that are built of documented bytes.',
    '',
    '| Answer | Status | badhop says | How it was made | Source |',
    '| --- | --- | --- | --- | --- |',
    ...known.answers.map(({ name, made, source, answer: { body, ...rest } }) => {
      const bytes = bytesFromLatin1(body);
      return `| ${cell(name)} | ${rest.status} | ${said(identify({ ...rest, body: bytes, bodyBytes: bytes.length }))} | ${cell(made)} | <${source}> |`;
    }),
    '',
    '## What a product is known by',
    '',
    ...products.flatMap(markTable),
    '## What an error means',
    '',
    'The names of errors are those of RFC 9209. `badhop trace` shows each cause with its sign and the next step.',
    '',
    '| Product | Status | What it says | Causes, the likeliest first |',
    '| --- | --- | --- | --- |',
    ...products.flatMap(meaningRows),
    '',
  ].join('\n');
}

function versionsOf({ versions }: LabRecord): string {
  return Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
}

/** One row for each answering product, status and fault. */
function labTable(errors: readonly StageAnswer[]): string[] {
  const inner = [...new Set(errors.map(({ chain }) => chain.at(-1) ?? chain[0]))];
  const rows = inner.flatMap(product => {
    const own = errors.filter(({ chain }) => chain.at(-1) === product);
    const faults = [...new Set(own.map(({ fault }) => fault))];
    return faults.map(fault => {
      const of = own.filter(one => one.fault === fault);
      const cells = [undefined, ...inner].map(outer => {
        const one = of.find(({ chain }) => (outer === undefined ? chain.length === 1 : chain.length === 2 && chain[0] === outer));
        return one === undefined ? '' : said(attributionOf(one));
      });
      const [first] = of;
      const author = first === undefined ? '' : authorOf(first);
      return { author, line: `| ${product} | ${fault} | ${first?.answer.status ?? ''} | ${author} | ${cells.join(' | ')} |` };
    });
  });
  return [
    `| Product | Behind it | Status | Who answered | alone | ${inner.map(name => `behind ${name}`).join(' | ')} |`,
    `| --- | --- | --- | --- | --- | ${inner.map(() => '---').join(' | ')} |`,
    ...rows.map(({ line }) => line),
  ];
}

function said({ answeredBy, narrowed, cannotTell }: Attribution): string {
  if (answeredBy !== undefined) return `${answeredBy.product}, ${answeredBy.certainty}`;
  const names = (narrowed?.candidates ?? cannotTell?.candidates ?? []).map(({ place, product }) => (place === 'behind' ? `behind ${product}` : product));
  if (narrowed !== undefined) return names.length === 1 ? names.join('') : `one of: ${names.join(', ')}`;
  return names.length === 0 ? 'cannot tell' : `cannot tell (${names.join(', ')})`;
}

function markTable({ title, marks }: Product): string[] {
  return [
    `### ${title}`,
    '',
    '| Mark | Where it shows | How it is known |',
    '| --- | --- | --- |',
    ...marks.map(mark => `| ${cell(mark.says)}${mark.isShared === true ? ' (others too)' : ''} | ${tells[mark.tells]} | ${bases[mark.basis]} |`),
    '',
  ];
}

function meaningRows({ title, meanings }: Product): string[] {
  return meanings.map(({ status, text, causes }) => {
    const list = causes.map(cause => `${cell(cause.title)}${cause.error === undefined ? '' : ` (\`${cause.error}\`)`}`).join('<br>');
    return `| ${title} | ${status.join(', ')} | ${cell(text)} | ${list} |`;
  });
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
