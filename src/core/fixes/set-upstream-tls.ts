import { defineFix } from '../model/fix.ts';
import type { ConfigDirective, NginxConfig } from '../model/facts/nginx.ts';
import { directivesOf, editSteps, siblingsOf, type TextChange } from '../model/nginx-edits.ts';
import { reloadNginx } from '../model/nginx-reload.ts';

/** Sets the directives of TLS that the backend was seen to want, in the blocks that pass to it. */
export default defineFix({
  id: 'set-upstream-tls',
  fixes: ['tls-sni-missing', 'tls-protocol-mismatch', 'tls-name-mismatch'],
  plan(finding, facts) {
    const { places, directives } = finding.fixData ?? {};
    if (!Array.isArray(places) || typeof directives !== 'object' || directives === null || facts['nginx-config'].state !== 'known') return undefined;
    const wanted = Object.entries(directives).filter((pair): pair is [string, string] => typeof pair[1] === 'string' && /^[\w.: -]+$/.test(pair[1]));
    const configs = facts['nginx-config'].value;
    const changes = configs.flatMap(config =>
      [...directivesOf(config)].flatMap(({ directive }) => (isAt(directive, places) ? changesFor(config, directive, wanted) : [])),
    );
    const edits = editSteps(configs, changes);
    if (edits.length === 0) return undefined;
    return {
      id: 'set-upstream-tls',
      summary: `Set ${wanted.map(([name, value]) => `ssl_${name.replace(/^ssl_/, '')} ${value}`).join(' and ')} for the TLS to ${finding.subject.peers.join(', ')}`,
      // A certificate for another name can mean that another server answers: a person looks at it first.
      automatic: finding.confidence === 'confirmed' && finding.fault !== 'tls-name-mismatch',
      risk: 'low',
      minutes: 1,
      steps: [...edits, reloadNginx(facts)],
      validate: [['nginx', '-t']],
      verify: 'Requests through nginx succeed, and its error log names no failed handshake.',
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

function changesFor(config: NginxConfig, pass: ConfigDirective, wanted: readonly (readonly [string, string])[]): TextChange[] {
  const module = pass.name.slice(0, -'_pass'.length);
  const siblings = siblingsOf(config, pass);
  const text = config.files.find(file => file.path === pass.path)?.text ?? '';
  const indent = text.slice(text.lastIndexOf('\n', pass.start - 1) + 1, pass.start);
  const separator = indent.trim() === '' ? `\n${indent}` : ' ';
  const added: string[] = [];
  const changes: TextChange[] = [];
  for (const [name, value] of wanted) {
    const line = `${module}_${name} ${value};`;
    const there = siblings.findLast(one => one.name === `${module}_${name}`);
    if (there === undefined) added.push(line);
    else changes.push({ path: there.path, start: there.start, end: there.end, text: line });
  }
  return added.length === 0
    ? changes
    : [...changes, { path: pass.path, start: pass.start, end: pass.start, text: added.map(line => line + separator).join('') }];
}
