import { ask, askAll, defineCollector } from '../model/collector.ts';
import { known, valueOr } from '../model/fact.ts';
import type { Known } from '../model/fact.ts';
import type { NameResolution } from '../model/facts/system.ts';
import type { ExecResult } from '../model/host.ts';
import { parseGetentAhosts } from '../parsers/getent.ts';
import { parseResolvConf } from '../parsers/resolv-conf.ts';
import { textOf } from './shared/answers.ts';

const MAX_NAMES = 50;

export default defineCollector({
  id: 'name-resolution',
  title: 'What the names in the configuration mean here',
  needs: ['nginx-layout'],
  *collect(facts) {
    const written = valueOr(facts['nginx-layout'], undefined)?.hostNames ?? [];
    const names = [...new Set([...written, 'localhost'])].filter(isName);
    const problems = names.length > MAX_NAMES ? [`Only ${MAX_NAMES} of ${names.length} names were resolved.`] : [];
    const asked = [...names.filter(name => name !== 'localhost').slice(0, MAX_NAMES - 1), 'localhost'];
    const answers = yield* askAll(asked.map(name => ({ kind: 'exec', argv: ['getent', 'ahosts', name], options: { timeoutMs: 2000 } }) as const));
    const missing = answers.find(answer => answer.state === 'absent' || answer.state === 'denied');
    if (missing !== undefined && missing.state !== 'known') return missing;
    const [resolvConf] = yield* ask({ kind: 'read', path: '/etc/resolv.conf' });
    const nameServers = parseResolvConf(textOf(resolvConf) ?? '');
    return known(
      asked.map((name, index) => ({ ...resolutionOf(name, answers[index]), nameServers })),
      problems,
    );
  },
});

/** Host names alone: no addresses, no variables, nothing that a program could take for an option. */
function isName(text: string): boolean {
  return /^[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252})$/.test(text) && !/^[0-9.]+$/.test(text);
}

function resolutionOf(name: string, answer: Known<ExecResult> | undefined): NameResolution {
  if (answer === undefined) return { name, system: [], systemError: 'was not asked' };
  if (answer.state !== 'known') return { name, system: [], systemError: answer.state === 'timeout' ? 'no answer within 2 s' : answer.why };
  const { code, stdout, stderr } = answer.value;
  const system = parseGetentAhosts(stdout);
  if (code === 0 && system.length > 0) return { name, system };
  // getent(1): 2 means that the key was not found.
  const said = stderr.trim().slice(0, 200);
  return { name, system: [], systemError: code === 2 ? 'name not found' : said === '' ? `getent ended with code ${code}` : said };
}
