import { ask, defineCollector, type Request } from '../model/collector.ts';
import { known, timedOut, unparsable, valueOr, type Known } from '../model/fact.ts';
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
  // A test that was killed, or that is no nginx's, gave no verdict.
  if (ok ? !output.isSuccessful : output.error === undefined && !output.isFailed) {
    return unparsable(
      answer.value.code === -1 ? 'nginx -t was ended before it gave its verdict' : `nginx -t ended with code ${answer.value.code} and gave no verdict`,
    );
  }
  // Root is refused something only where its rights are limited (a container, SELinux), and then nginx itself may have more.
  const denied = !ok && output.isRefused;
  const remedy = testsWithoutRoot(instance, ownUid) ? 'run as root' : "run with all of root's rights";
  const problem = `nginx -t of ${instance.id} was refused something as this user (${output.error?.text ?? 'no reason given'}), so it says nothing about the configuration: ${remedy}`;
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
