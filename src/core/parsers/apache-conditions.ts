/**
 * What httpd's conditional sections ask, and the names that its modules go by. Source: httpd 2.4 server/core.c
 * (start_ifmod, start_ifdefine), modules/mapper/mod_version.c; Debian's mods-available.
 */

interface State {
  readonly modules: ReadonlySet<string>;
  readonly defines: ReadonlySet<string>;
}

/** Modules that Debian and Red Hat build in. */
const builtIn: ReadonlySet<string> = new Set(
  ['core', 'so', 'http_core', 'http', 'watchdog', 'log_config', 'logio', 'version', 'unixd'].flatMap(name => [`${name}_module`, `mod_${name}.c`, `${name}.c`]),
);

/** Modules that a build may hold without a LoadModule line: where none of a kind is loaded, one of them is. */
const mpm = ['event', 'worker', 'prefork'] as const;

export const apacheModules = {
  mpm,
  /** The names of `LoadModule ssl_module modules/mod_ssl.so` in `<IfModule>`: the identifier and the source file. */
  namesOf(identifier: string, path: string): readonly string[] {
    const short = identifier.replace(/_module$/, '');
    const file = path.slice(path.lastIndexOf('/') + 1).replace(/\.so$/, '');
    return [identifier, `mod_${short}.c`, `${file}.c`, ...(short.startsWith('mpm_') ? [`${short.slice(4)}.c`, `${short}.c`] : [])];
  },
} as const;

/** Whether the section's content counts; `none` for a section that is no condition. */
export function holdsCondition(section: string, args: readonly string[], state: State): boolean | 'unknown' | 'none' {
  const [first = ''] = args;
  const isNot = first.startsWith('!');
  const name = isNot ? first.slice(1) : first;
  const turned = (holds: boolean | 'unknown'): boolean | 'unknown' => (holds === 'unknown' ? holds : holds !== isNot);
  switch (section) {
    case 'ifmodule':
      return turned(isLoaded(name, state.modules));
    case 'ifdefine':
      return turned(state.defines.has(name));
    case 'ifversion':
      return version(args);
    case 'iffile':
    case 'ifdirective':
    case 'ifsection':
      return 'unknown';
    default:
      return 'none';
  }
}

function isLoaded(name: string, modules: ReadonlySet<string>): boolean | 'unknown' {
  if (modules.has(name) || builtIn.has(name)) return true;
  const isMpm = mpm.some(one => name === `mpm_${one}_module` || name === `${one}.c` || name === `mpm_${one}.c`);
  return isMpm && !mpm.some(one => modules.has(`mpm_${one}_module`)) ? 'unknown' : false;
}

/** Told for the 2.4 that is in use everywhere, where the number asked for leaves no doubt. */
function version(args: readonly string[]): boolean | 'unknown' {
  const operator = args.length > 1 ? (args[0] ?? '').replace(/^!/, '') : '=';
  const isNot = (args[0] ?? '').startsWith('!') && args.length > 1;
  const parts = (args.at(-1) ?? '').split('.');
  const [major = Number.NaN, minor = 0] = parts.map(Number);
  if (!Number.isInteger(major) || !Number.isInteger(minor)) return 'unknown';
  const order = major === 2 ? Math.sign(4 - minor) : Math.sign(2 - major);
  // `2.4` alone is 2.4.0: every release lies above it. A third number would need the running release's own.
  const compared = order !== 0 ? order : parts.length > 2 && Number(parts[2]) > 0 ? Number.NaN : 1;
  if (Number.isNaN(compared)) return 'unknown';
  const holds = operator === '>=' || operator === '>' ? compared > 0 : operator === '<=' || operator === '<' ? compared < 0 : 'unknown';
  return holds === 'unknown' ? holds : holds !== isNot;
}
