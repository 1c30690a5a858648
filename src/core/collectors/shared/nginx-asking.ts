import { ask, type Request } from '../../model/collector.ts';
import { absent, denied, unparsable, type Known, type Unknown } from '../../model/fact.ts';
import type { NginxInstance } from '../../model/facts/nginx.ts';
import type { ExecResult } from '../../model/host.ts';
import { parseNginxVersion, type NginxVersion } from '../../parsers/nginx-version.ts';

type Steps<T> = Generator<readonly Request[], T, readonly Known<unknown>[]>;

/** As whom a program runs. */
export interface Runner {
  readonly uid?: number;
  readonly gid?: number;
}

/** Resolving names of upstreams makes `nginx -t` slow. */
export const testTimeoutMs = 6_000;

/**
 * The argv that asks an nginx as the user it runs as. Whoever runs a program called nginx could otherwise have
 * badhop run it, or load a module of its configuration, with badhop's own rights.
 */
export function askAs(runner: Runner, ownUid: number, argv: readonly string[]): readonly string[] | Unknown {
  if (runner.uid === 0 || runner.uid === ownUid) return argv;
  if (runner.uid === undefined) return denied(`it is not known as whom ${argv[0] ?? 'nginx'} runs, and it is not asked as anybody else`);
  if (ownUid !== 0) return denied(`${argv[0] ?? 'nginx'} belongs to user ${runner.uid} and is not run as anybody else`, `run as root or as user ${runner.uid}`);
  const group = runner.gid ?? runner.uid;
  return ['setpriv', '--reuid', String(runner.uid), '--regid', String(group), '--clear-groups', '--', ...argv];
}

/** Asks a binary for its version and what was compiled into it. */
export function* askVersion(binary: string, runner: Runner, ownUid: number): Steps<Known<NginxVersion>> {
  const argv = askAs(runner, ownUid, [binary, '-V']);
  if ('state' in argv) return argv;
  const [answer] = yield* ask({ kind: 'exec', argv });
  if (answer.state !== 'known') return answer;
  const version = parseNginxVersion(`${answer.value.stderr}\n${answer.value.stdout}`);
  return version === undefined ? unparsable(`${binary} -V: ${firstLine(answer.value)}`) : { state: 'known', value: version };
}

/** `nginx -t` or `-T` for an instance: its own binary, prefix, file and `-g`. Signals and reloads nothing. */
export function testArgv(instance: NginxInstance, option: '-t' | '-T', ownUid: number): readonly string[] | Unknown {
  if (instance.version === undefined) return absent(`${instance.binary} could not be asked for its version, so it is not asked to test either`);
  const globals = instance.globalDirectives === '' ? [] : ['-g', instance.globalDirectives];
  const argv = [instance.binary, option, '-c', instance.configPath, '-p', instance.prefix, ...globals];
  const runner: Runner = {
    ...(instance.masterUid === undefined ? {} : { uid: instance.masterUid }),
    ...(instance.masterGid === undefined ? {} : { gid: instance.masterGid }),
  };
  return askAs(runner, ownUid, argv);
}

/** True where the test ran without root's rights, so that a refusal says nothing about the configuration. */
export function testsWithoutRoot(instance: NginxInstance, ownUid: number): boolean {
  return ownUid !== 0 || instance.masterUid !== 0;
}

function firstLine(result: ExecResult): string {
  const text = (result.stderr || result.stdout).trim();
  const end = text.indexOf('\n');
  return text === '' ? `ended with code ${result.code}` : text.slice(0, Math.min(end < 0 ? text.length : end, 200));
}
