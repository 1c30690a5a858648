import type { Known } from './fact.ts';
import type { NginxConfig } from './facts/nginx.ts';
import type { Evidence } from './finding.ts';

/** The line of a configuration file as it stands there; `otherwise` where the file's text is not known. */
export function configLine(configs: Known<readonly NginxConfig[]>, origin: { readonly path: string; readonly line: number }, otherwise: string): Evidence {
  const text = configs.state === 'known' ? configs.value.flatMap(config => config.files).find(file => file.path === origin.path)?.text : undefined;
  const line = text?.split('\n')[origin.line - 1]?.trim() ?? '';
  return { source: `config:${origin.path}:${origin.line}`, text: line === '' ? otherwise : line.slice(0, 400) };
}
