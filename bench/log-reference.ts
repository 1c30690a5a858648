/** The numbers of the benchmark's logs, counted by awk: nothing of badhop's is used. */
import { execFileSync } from 'node:child_process';

/** Fields between quotes: 2 the request, 3 status and size, 8 the addresses, 10 the upstream statuses. */
const access = String.raw`
{
  split($3, answer, " "); status = answer[1]
  tries = split($8, address, ", "); split($10, code, ", ")
  peer = address[tries]
  requests++; statuses[status]++; asked[peer]++
  if (status >= 499) { failed++; failing[peer]++ }
  # A try that failed behind a good answer is one of the peer that was asked first.
  else if (tries > 1 && code[1] >= 500) { hidden++; failing[address[1]]++; if (address[1] != peer) asked[address[1]]++ }
}
END {
  print "requests\t" requests; print "failed\t" failed; print "hidden retries\t" hidden
  for (name in statuses) print "status " name "\t" statuses[name]
  for (name in asked) { print "requests of " name "\t" asked[name]; print "failed of " name "\t" failing[name] + 0 }
}`;

const errors = String.raw`
/connect\(\) failed \(111/ { print_as["connect-refused"]++; next }
/upstream timed out \(110/ { print_as["read-timeout"]++; next }
/prematurely closed/ { print_as["premature-close"]++; next }
/recv\(\) failed \(104/ { print_as["reset"]++; next }
{ print_as["other"]++ }
END { for (name in print_as) print name "\t" print_as[name] }`;

export function countAccess(path: string): Record<string, number> {
  return counted(['-F', '"', access, path]);
}

export function countErrors(path: string): Record<string, number> {
  return counted([errors, path]);
}

function counted(argv: readonly string[]): Record<string, number> {
  const text = execFileSync('awk', argv, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  return Object.fromEntries(
    text
      .trimEnd()
      .split('\n')
      .map(line => line.split('\t'))
      .map(([name = '', count = '0']) => [name, Number(count)]),
  );
}
