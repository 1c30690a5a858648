import type { ConfigDirective } from '../../model/facts/nginx.ts';
import { parseSize } from '../../derive/directives.ts';
import { defaultOf } from '../../derive/nginx-defaults.ts';
import { defineLintRule, spotOf } from '../rule.ts';
import { inForce, own, type Scope } from '../scopes.ts';
import { behind } from '../splices.ts';
import { writtenSize } from '../words.ts';

const modules = ['proxy', 'fastcgi', 'uwsgi', 'scgi'] as const;
type Module = (typeof modules)[number];
const names = ['buffer_size', 'buffers', 'busy_buffers_size', 'max_temp_file_size', 'temp_file_write_size'] as const;

/** What nginx compares when it merges a block (ngx_http_proxy_merge_loc_conf and its likes), whether anything is passed on there or not. */
interface Sizes {
  /** What holds the header. */
  readonly first: number;
  readonly count: number;
  readonly each: number;
  /** Undefined where it is not written: twice the larger one of the two. */
  readonly busy: number | undefined;
  readonly maxTemp: number | undefined;
  readonly tempWrite: number | undefined;
  readonly at: ReadonlyMap<string, ConfigDirective>;
}

/** Checked against `nginx -t` of 1.22.1 with pages of 4 KiB. */
export default defineLintRule({
  meta: {
    id: 'upstream-buffers-refused',
    title: 'The buffers for answers contradict each other, and nginx refuses them',
    severity: 'error',
    fault: 'nginx-config-invalid',
  },
  *check(view) {
    for (const scope of view.scopes) {
      if (scope.layer !== 'http' || (scope.kind !== 'server' && scope.kind !== 'location')) continue;
      for (const module of modules) {
        const sizes = sizesOf(scope, module, view.version);
        const reason = sizes && refusalOf(sizes, module);
        const [place, ...others] = sizes === undefined ? [] : [...sizes.at.values()];
        if (sizes === undefined || reason === undefined || place === undefined) continue;
        const fix = fixFor(sizes, module);
        yield {
          at: spotOf(place),
          message: `${reason}: nginx does not start with this, and keeps its old configuration at a reload.`,
          advice: `Give \`${module}_buffers\` at least twice the size of \`${module}_buffer_size\` beside one buffer more, such as \`${module}_buffers 8 ${writtenSize(Math.max(sizes.first, sizes.each))};\`, and leave \`${module}_busy_buffers_size\` out.`,
          related: others.map(at => ({ at: spotOf(at), text: 'This bears on it.' })),
          ...(fix === undefined ? {} : { fix: { summary: 'Make the buffers large enough for each other', changes: [fix] } }),
        };
      }
    }
  },
});

/** None where nothing of it is written in this block, or where something that was not read may say otherwise. */
function sizesOf(scope: Scope, module: Module, version: string): Sizes | undefined {
  // A server merges what http says; a location with nothing of its own takes over what has been judged.
  const isOwn = names.some(name => own(scope, `${module}_${name}`).length > 0);
  const fromHttp = scope.kind === 'server' && scope.parent !== undefined && names.some(name => own(scope.parent ?? scope, `${module}_${name}`).length > 0);
  if (!isOwn && !fromHttp) return undefined;
  const at = new Map<string, ConfigDirective>();
  const unsure: string[] = [];
  const read = (name: string, index = 0): number | undefined => {
    const found = inForce(scope, `${module}_${name}`);
    if (!found.isSure) unsure.push(name);
    const directive = found.directives.at(-1);
    if (directive === undefined) return parseSize(defaultOf(name, module, version)?.[index] ?? '');
    at.set(name, directive);
    const size = parseSize(directive.args[index]?.value ?? '');
    if (size === undefined) unsure.push(name);
    return size;
  };
  const [first = 4096, count = 8, each = 4096] = [read('buffer_size'), read('buffers'), read('buffers', 1)];
  const sizes = { first, count, each, busy: read('busy_buffers_size'), maxTemp: read('max_temp_file_size'), tempWrite: read('temp_file_write_size'), at };
  return unsure.length === 0 ? sizes : undefined;
}

/** The first reason by which nginx refuses, in its order. */
function refusalOf({ first, count, each, busy, maxTemp, tempWrite }: Sizes, module: Module): string | undefined {
  const largest = Math.max(first, each);
  const name = (text: string): string => `\`${module}_${text}\``;
  if (count < 2) return `There must be at least 2 ${name('buffers')}, and this gives ${count}`;
  const used = busy ?? 2 * largest;
  if (used < largest) return `${name('busy_buffers_size')} is ${writtenSize(used)}, less than a single buffer of ${writtenSize(largest)}`;
  if (used >= (count - 1) * each) {
    const what =
      busy === undefined ? `twice the largest buffer, ${writtenSize(used)}, which may be busy` : `${name('busy_buffers_size')} of ${writtenSize(used)}`;
    return `All ${name('buffers')} but one come to ${writtenSize((count - 1) * each)}, and ${what}, must be less`;
  }
  if (tempWrite !== undefined && tempWrite < largest) return `${name('temp_file_write_size')} is less than a single buffer of ${writtenSize(largest)}`;
  if (maxTemp !== undefined && maxTemp !== 0 && maxTemp < largest)
    return `${name('max_temp_file_size')} is neither 0 nor as large as a single buffer of ${writtenSize(largest)}`;
  return undefined;
}

/** Somebody gave the header more room and nothing else. */
function fixFor({ first, at, busy }: Sizes, module: Module): ReturnType<typeof behind> | undefined {
  const grown = at.get('buffer_size');
  return grown === undefined || at.has('buffers') || busy !== undefined ? undefined : behind(grown, `${module}_buffers 8 ${writtenSize(first)};`);
}
