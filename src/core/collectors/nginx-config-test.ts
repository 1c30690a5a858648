import { ask, defineCollector, type Request } from '../model/collector.ts';
import { known, timedOut, valueOr, type Known } from '../model/fact.ts';
import type { NginxConfigTest, NginxInstance } from '../model/facts/nginx.ts';
import { parseNginxTest } from '../parsers/nginx-test.ts';
import { perInstance } from './shared/per-instance.ts';
import { testArgv, testsWithoutRoot, testTimeoutMs } from './shared/nginx-asking.ts';

export default defineCollector({
  id: 'nginx-config-test',
  title: "nginx's own verdict on its configuration (nginx -t)",
  needs: ['nginx-instances', 'host-identity'],
  *collect(facts) {
    const ownUid = valueOr(facts['host-identity'], undefined)?.uid ?? 65_534;
    return yield* perInstance(facts['nginx-instances'], 'nginx -t', instance => testOf(instance, ownUid));
  },
});

function* testOf(instance: NginxInstance, ownUid: number): Generator<readonly Request[], Known<NginxConfigTest>, readonly Known<unknown>[]> {
  const argv = testArgv(instance, '-t', ownUid);
  if ('state' in argv) return argv;
  const [answer] = yield* ask({ kind: 'exec', argv, options: { timeoutMs: testTimeoutMs } });
  if (answer.state === 'timeout') {
    return timedOut(`nginx -t took longer than ${testTimeoutMs / 1000} s`, 'it resolves the names of all upstreams: see whether the name servers answer');
  }
  if (answer.state !== 'known') return answer;
  const output = parseNginxTest(answer.value.stderr);
  const ok = answer.value.code === 0;
  const denied = !ok && output.isRefused && testsWithoutRoot(instance, ownUid);
  const problem = `nginx -t of ${instance.id} was refused something as this user (${output.error?.text ?? 'no reason given'}), so it says nothing about the configuration: run as root`;
  return known(
    {
      instanceId: instance.id,
      ok,
      output: output.lines,
      ...(output.error === undefined || ok ? {} : { error: output.error }),
      denied,
    },
    denied ? [problem] : [],
  );
}
