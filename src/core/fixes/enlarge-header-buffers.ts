import { defineFix } from '../model/fix.ts';
import type { ConfigDirective, NginxConfig } from '../model/facts/nginx.ts';
import { directivesOf, editSteps, siblingsOf, type TextChange } from '../model/nginx-edits.ts';
import { takenUp } from '../model/nginx-reload.ts';

const smallest = 8 * 1024;
const largest = 256 * 1024;
// A header grows: cookies come and go.
const headroom = 1.5;

/** Sizes the buffer for the header from what was measured, and the buffers that nginx compares with it. */
export default defineFix({
  id: 'enlarge-header-buffers',
  fixes: ['response-header-too-big'],
  plan(finding, facts) {
    const { measured, routes } = finding.fixData ?? {};
    if (!Array.isArray(routes) || facts['nginx-config'].state !== 'known') return undefined;
    const size = typeof measured === 'number' ? powerOfTwo(measured * headroom) : 16 * 1024;
    if (size > largest) return undefined;
    const configs = facts['nginx-config'].value;
    const changes = configs.flatMap(config =>
      [...directivesOf(config)].flatMap(({ directive }) => (isAt(directive, routes) ? changesFor(config, directive, size) : [])),
    );
    const edits = editSteps(configs, changes);
    if (edits.length === 0) return undefined;
    return {
      id: 'enlarge-header-buffers',
      summary: `Give headers ${kilobytes(size)}${typeof measured === 'number' ? `, for the ${measured} bytes that were measured` : ''}`,
      automatic: typeof measured === 'number',
      risk: 'low',
      minutes: 1,
      ...takenUp(facts, edits),
      verify: 'The page answers through nginx, and its error log names no header that is too big.',
    };
  },
});

function isAt(directive: ConfigDirective, places: readonly unknown[]): boolean {
  if (!directive.name.endsWith('_pass')) return false;
  return places.some(
    place =>
      typeof place === 'object' && place !== null && 'path' in place && 'line' in place && place.path === directive.path && place.line === directive.line,
  );
}

/**
 * The directives of one location. nginx refuses a busy_buffers_size below the largest buffer or above all buffers but
 * one, and its default is twice the largest: so four buffers of the new size are enough.
 * Source: ngx_http_proxy_merge_loc_conf and its likes in nginx 1.22.1.
 */
function changesFor(config: NginxConfig, pass: ConfigDirective, size: number): TextChange[] {
  const module = pass.name.slice(0, -'_pass'.length);
  const siblings = siblingsOf(config, pass);
  const inForce = (name: string): ConfigDirective | undefined =>
    siblings.findLast(one => one.name === `${module}_${name}`) ?? outer(config, pass, `${module}_${name}`);
  const buffers = inForce('buffers');
  const written = bytesOf(buffers?.args[1]?.value) ?? 4096;
  const each = Math.max(size, written);
  const busy = bytesOf(inForce('busy_buffers_size')?.args[0]?.value);
  const busyAfter = busy === undefined || busy < each ? each * 2 : busy;
  // As much memory a connection as before, and as many as nginx needs to be content.
  const total = (Number(buffers?.args[0]?.value) || 8) * written;
  const count = Math.max(4, Math.ceil(total / each), Math.ceil(busyAfter / each) + 1);
  const wanted: [string, string][] = [
    [`${module}_buffer_size`, kilobytes(size)],
    [`${module}_buffers`, `${count} ${kilobytes(each)}`],
  ];
  if (busy !== undefined && busy !== busyAfter) wanted.push([`${module}_busy_buffers_size`, kilobytes(busyAfter)]);
  for (const name of ['temp_file_write_size', 'max_temp_file_size']) {
    const bytes = bytesOf(inForce(name)?.args[0]?.value);
    if (bytes !== undefined && bytes > 0 && bytes < each) wanted.push([`${module}_${name}`, kilobytes(each * 2)]);
  }
  const isWide = (bytesOf(inForce('buffer_size')?.args[0]?.value) ?? 0) >= size;
  if (isWide) return [];
  const added: string[] = [];
  const changes: TextChange[] = [];
  for (const [name, value] of wanted) {
    const there = siblings.findLast(one => one.name === name);
    if (there === undefined) added.push(`${name} ${value};`);
    else changes.push({ path: there.path, start: there.start, end: there.end, text: `${name} ${value};` });
  }
  if (added.length === 0) return changes;
  const separator = separatorOf(config, pass);
  return [...changes, { path: pass.path, start: pass.start, end: pass.start, text: added.map(text => text + separator).join('') }];
}

/** What stands further out and is inherited; the nearest block is looked at last. */
function outer(config: NginxConfig, pass: ConfigDirective, name: string): ConfigDirective | undefined {
  return [...directivesOf(config)].map(one => one.directive).findLast(one => one.name === name && contains(config, one, pass));
}

/** Whether a directive stands in a block that the pass stands in too, further in. */
function contains(config: NginxConfig, directive: ConfigDirective, pass: ConfigDirective): boolean {
  const isBelow = (block: readonly ConfigDirective[], depth: number): boolean =>
    depth < 64 &&
    block.some(
      one =>
        (one.path === pass.path && one.start === pass.start) ||
        isBelow(one.block ?? [], depth + 1) ||
        (one.included ?? []).some(file => isBelow(file.directives, depth + 1)),
    );
  return isBelow(siblingsOf(config, directive), 0);
}

/** A line of its own where the pass has one, else a blank. */
function separatorOf(config: NginxConfig, pass: ConfigDirective): string {
  const text = config.files.find(file => file.path === pass.path)?.text ?? '';
  const indent = text.slice(text.lastIndexOf('\n', pass.start - 1) + 1, pass.start);
  return indent.trim() === '' ? `\n${indent}` : ' ';
}

function powerOfTwo(bytes: number): number {
  let size = smallest;
  while (size < bytes) size *= 2;
  return size;
}

function kilobytes(bytes: number): string {
  return bytes % 1024 === 0 ? `${bytes / 1024}k` : String(bytes);
}

function bytesOf(text: string | undefined): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,12})([kKmM]?)$/.exec(text ?? '') ?? [];
  if (digits === undefined) return undefined;
  return Number(digits) * ({ k: 1024, m: 1_048_576 }[unit.toLowerCase()] ?? 1);
}
