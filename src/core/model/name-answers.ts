import type { Address } from './host.ts';
import { formatAddress } from './host.ts';
import type { NginxConfigTest, Setting } from './facts/nginx.ts';
import type { Symptom } from './facts/topology.ts';
import type { ProbeResult } from './probe.ts';
import { unresolvedName } from './resolvers.ts';

/** What one name server said to a name. */
export interface NameAnswer {
  readonly probe: ProbeResult;
  /** `found`: it has an address that nginx would use. `unknown`: it says that there is none. `failed`: it answers with an error. `silent`: it does not answer. */
  readonly state: 'found' | 'unknown' | 'failed' | 'silent';
  readonly addresses: readonly string[];
}

/** The answers of these name servers to a name; `setting` is the `resolver` directive, which may leave out a family. */
export function answersTo(name: string, resolvers: readonly Address[], probes: readonly ProbeResult[], setting?: Setting): NameAnswer[] {
  const asked = new Set(resolvers.map(formatAddress));
  return probes.flatMap((probe): NameAnswer[] => {
    const { request, outcome } = probe;
    if (request.kind !== 'dns' || request.name !== name || !asked.has(formatAddress(request.resolver)) || outcome.state === 'not-asked') return [];
    const dns = outcome.state === 'answered' ? outcome.answer.dns : undefined;
    if (dns === undefined) return [{ probe, state: 'silent', addresses: [] }];
    const addresses = dns.addresses.filter(address => !setting?.args.includes(address.includes(':') ? 'ipv6=off' : 'ipv4=off'));
    const state = addresses.length > 0 ? 'found' : dns.rcode === 'NXDOMAIN' || dns.rcode === 'NOERROR' ? 'unknown' : 'failed';
    return [{ probe, state, addresses }];
  });
}

/** The symptoms of these classes whose messages name this host name. */
export function symptomsOfName(name: string, symptoms: readonly Symptom[], classes: readonly Symptom['class'][]): Symptom[] {
  return symptoms.filter(
    symptom =>
      classes.includes(symptom.class) &&
      (symptom.upstream === name || symptom.errorGroups.some(group => group.samples.some(sample => unresolvedName(sample.message) === name))),
  );
}

/** Names for which nginx's own test refuses the configuration. */
export function namesAtStart(tests: readonly NginxConfigTest[]): { readonly name: string; readonly test: NginxConfigTest; readonly text: string }[] {
  return tests.flatMap(test => {
    const text = test.error?.text ?? '';
    const name = test.ok || test.denied || !text.includes('host not found in') ? undefined : unresolvedName(text);
    return name === undefined ? [] : [{ name, test, text }];
  });
}
