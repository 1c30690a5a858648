import { ask, defineCollector, type Request } from '../model/collector.ts';
import { absent, denied, known, unparsable, valueOr, type Known } from '../model/fact.ts';
import type { NginxConfig, NginxInstance } from '../model/facts/nginx.ts';
import { latin1FromText } from '../parsers/latin1.ts';
import { configOfDump } from '../parsers/nginx-conf-files.ts';
import { parseNginxDump } from '../parsers/nginx-dump.ts';
import { parseNginxTest } from '../parsers/nginx-test.ts';
import { perInstance } from './shared/per-instance.ts';
import { testArgv, testsWithoutRoot, testTimeoutMs } from './shared/nginx-asking.ts';

const maxBytes = 33_554_432;

/** Asked only for what could not be read whole from disk: it says the same, and takes as long and as much memory once more. */
export default defineCollector({
  id: 'nginx-config-dump',
  title: 'nginx configuration as nginx reads it (nginx -T)',
  needs: ['nginx-instances', 'nginx-config', 'host-identity'],
  *collect(facts) {
    const ownUid = valueOr(facts['host-identity'], undefined)?.uid ?? 65_534;
    const whole = new Set(valueOr(facts['nginx-config'], []).flatMap(config => (config.unread.length === 0 ? [config.instanceId] : [])));
    const instances = facts['nginx-instances'];
    const wanted = instances.state === 'known' ? known(instances.value.filter(instance => !whole.has(instance.id))) : instances;
    return yield* perInstance(wanted, 'nginx -T', instance => dumpOf(instance, ownUid));
  },
});

function* dumpOf(instance: NginxInstance, ownUid: number): Generator<readonly Request[], Known<NginxConfig>, readonly Known<unknown>[]> {
  const argv = testArgv(instance, '-T', ownUid);
  if ('state' in argv) return argv;
  const [answer] = yield* ask({ kind: 'exec', argv, options: { timeoutMs: testTimeoutMs, maxBytes } });
  if (answer.state !== 'known') return answer;
  const { code, stderr, stdout, truncated } = answer.value;
  if (code !== 0) {
    const { error, isRefused, lines } = parseNginxTest(stderr);
    const why = `nginx -T printed nothing: ${error?.text ?? lines[0] ?? `it ended with code ${code}`}`;
    return isRefused && testsWithoutRoot(instance, ownUid) ? denied(why, 'run as root to see the configuration as nginx reads it') : absent(why);
  }
  const texts = parseNginxDump(latin1FromText(stdout));
  if (texts.size === 0) return unparsable('nginx -T printed no configuration file');
  return known(
    configOfDump(instance.id, instance.configPath, instance.globalDirectives, texts),
    truncated ? [`nginx -T printed more than ${maxBytes} bytes: the rest was not read.`] : [],
  );
}
