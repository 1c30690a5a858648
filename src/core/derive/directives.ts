import type { ConfigDirective, Setting, SettingOrigin } from '../model/facts/nginx.ts';

/** The directives of one block in order, with what its includes hold in their place. */
export function* flatten(directives: readonly ConfigDirective[], depth = 0): Generator<ConfigDirective> {
  for (const directive of directives) {
    if (directive.name === 'include' && directive.included !== undefined && depth < 64) {
      for (const file of directive.included) yield* flatten(file.directives, depth + 1);
    } else yield directive;
  }
}

/** A block and the blocks around it, innermost last; each as its flattened directives. */
export type Chain = readonly (readonly ConfigDirective[])[];

/** Goes one block further in. */
export function enter(chain: Chain, block: ConfigDirective): Chain {
  return [...chain, [...flatten(block.block ?? [])]];
}

/** The directives of that name that are in force: those of the innermost block that has any (nginx never merges lists). */
export function inForce(chain: Chain, name: string): readonly ConfigDirective[] {
  for (let level = chain.length - 1; level >= 0; level--) {
    const found = namedIn(chain[level] ?? [], name);
    if (found.length > 0) return found;
  }
  return [];
}

// The blocks around thousands of locations are asked for the same names again and again.
const indexes = new WeakMap<readonly ConfigDirective[], ReadonlyMap<string, readonly ConfigDirective[]>>();

const none: readonly ConfigDirective[] = [];
/** A block of so few directives is looked through quicker than an index of it is made. */
const fewDirectives = 24;

/** The directives of that name in one flattened block. */
export function namedIn(block: readonly ConfigDirective[], name: string): readonly ConfigDirective[] {
  if (block.length > fewDirectives) return byName(block).get(name) ?? none;
  const first = block.findIndex(directive => directive.name === name);
  return first < 0 ? none : block.filter((directive, index) => index >= first && directive.name === name);
}

function byName(block: readonly ConfigDirective[]): ReadonlyMap<string, readonly ConfigDirective[]> {
  const known = indexes.get(block);
  if (known !== undefined) return known;
  const index = new Map<string, ConfigDirective[]>();
  for (const directive of block) {
    const same = index.get(directive.name);
    if (same === undefined) index.set(directive.name, [directive]);
    else same.push(directive);
  }
  indexes.set(block, index);
  return index;
}

const settings = new WeakMap<ConfigDirective, Setting>();

/** A directive as a setting with its place. */
export function toSetting(directive: ConfigDirective): Setting {
  const known = settings.get(directive);
  if (known !== undefined) return known;
  const setting = makeSetting(
    directive.name,
    directive.args.map(arg => arg.value),
    originOf(directive),
  );
  settings.set(directive, setting);
  return setting;
}

/** A setting from its arguments; the first one is read as a time and as a size where it is one. */
export function makeSetting(directive: string, args: readonly string[], origin: SettingOrigin): Setting {
  const ms = parseTime(args[0] ?? '');
  const bytes = parseSize(args[0] ?? '');
  return { directive, args, origin, ...(ms === undefined ? {} : { ms }), ...(bytes === undefined ? {} : { bytes }) };
}

export function originOf(directive: ConfigDirective): SettingOrigin & { readonly kind: 'file' } {
  return { kind: 'file', path: directive.path, line: directive.line };
}

const timeUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  M: 2_592_000_000,
  y: 31_536_000_000,
};

/** nginx times (ngx_parse_time): `90`, `90s`, `1m30s`, `500ms`. Undefined for anything else. */
export function parseTime(text: string): number | undefined {
  let total = 0;
  let digits = '';
  let any = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    if (char >= '0' && char <= '9') {
      digits += char;
      continue;
    }
    const unit = char === 'm' && text[at + 1] === 's' ? 'ms' : char;
    const factor = timeUnits[unit];
    if (factor === undefined || digits === '') return undefined;
    total += Number(digits) * factor;
    digits = '';
    any = true;
    at += unit.length - 1;
  }
  if (digits !== '') return total + Number(digits) * 1000;
  return any ? total : undefined;
}

/** nginx sizes (ngx_parse_size, ngx_parse_offset): `4096`, `8k`, `1m`, `2g`. */
export function parseSize(text: string): number | undefined {
  const last = text.slice(-1).toLowerCase();
  const factor = last === 'k' ? 1024 : last === 'm' ? 1_048_576 : last === 'g' ? 1_073_741_824 : 1;
  const digits = factor === 1 ? text : text.slice(0, -1);
  if (digits === '' || digits.length > 15) return undefined;
  for (const char of digits) if (char < '0' || char > '9') return undefined;
  return Number(digits) * factor;
}

/** Compares dotted versions: negative where `a` is older. */
export function compareVersions(a: string, b: string): number {
  const left = a.split('.');
  const right = b.split('.');
  for (let at = 0; at < 3; at++) {
    const difference = Number(left[at] ?? 0) - Number(right[at] ?? 0);
    if (difference !== 0) return Number.isNaN(difference) ? 0 : difference;
  }
  return 0;
}
