/** Options of a command line, `--name value`, `--name=value`, `-n value`, `-nvalue`, by what the program's own help says. */

export interface OptionRules {
  /** Short letters with the long names they stand for. */
  readonly short: Readonly<Record<string, string>>;
  /** Long names that take no value. */
  readonly flags: ReadonlySet<string>;
  /** Other long names for the same option. */
  readonly aliases?: Readonly<Record<string, string>>;
}

export interface CommandOptions {
  /** In the order given; a flag's value is empty. */
  readonly options: readonly { readonly name: string; readonly value: string }[];
  readonly words: readonly string[];
}

/** Reads `args`. An option that is not known takes the next argument when that does not look like an option. */
export function readOptions(args: readonly string[], rules: OptionRules): CommandOptions {
  const options: { name: string; value: string }[] = [];
  const words: string[] = [];
  const canonical = (name: string): string => rules.aliases?.[name] ?? name;
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? '';
    if (arg === '--') {
      words.push(...args.slice(index + 1));
      break;
    }
    if (!arg.startsWith('-') || arg === '-') {
      words.push(arg);
      continue;
    }
    const { name, attached } = splitOption(arg, rules);
    if (attached !== undefined) options.push({ name: canonical(name), value: attached });
    else if (rules.flags.has(canonical(name)) || !takesNext(args[index + 1])) options.push({ name: canonical(name), value: '' });
    else options.push({ name: canonical(name), value: args[++index] ?? '' });
  }
  return { options, words };
}

function splitOption(arg: string, rules: OptionRules): { name: string; attached: string | undefined } {
  const equals = arg.indexOf('=');
  if (arg.startsWith('--')) {
    return equals < 0 ? { name: arg.slice(2), attached: undefined } : { name: arg.slice(2, equals), attached: arg.slice(equals + 1) };
  }
  const long = rules.short[arg.charAt(1)];
  if (long === undefined) {
    // Go's flags have one dash and long names.
    return equals < 0 ? { name: arg.slice(1), attached: undefined } : { name: arg.slice(1, equals), attached: arg.slice(equals + 1) };
  }
  if (arg.length === 2) return { name: long, attached: undefined };
  if (rules.flags.has(long)) return { name: long, attached: '' };
  const rest = arg.slice(2);
  return { name: long, attached: rest.startsWith('=') ? rest.slice(1) : rest };
}

function takesNext(next: string | undefined): boolean {
  return next !== undefined && (!next.startsWith('-') || next === '-');
}
