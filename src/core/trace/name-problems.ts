import type { Evidence } from '../model/finding.ts';
import type { ResolverAnswer, TraceHop } from '../model/trace.ts';
import { lookNext, type Problem } from './problem.ts';

/** What a resolver said, in a word: `NXDOMAIN`, `no answer`, `ECONNREFUSED`. */
export function resultOf({ outcome }: ResolverAnswer): string {
  switch (outcome.state) {
    case 'answered':
      return outcome.rcode;
    case 'no-answer':
      return 'no answer';
    case 'strange':
      return 'an answer that is no DNS';
    case 'not-asked':
      return outcome.why;
    case 'failed':
      return outcome.code;
  }
}

/** What is wrong with the name itself: no address at all, or one resolver that says otherwise than the rest. */
export function nameProblems({ lookup }: TraceHop): readonly Problem[] {
  if (lookup.from !== 'dns') return [];
  const usual = lookup.answers.filter(each => !each.checkingDisabled);
  const dnssec = usual.filter(each => isServfail(each) && lookup.answers.some(other => isUnlocked(other, each)));
  if (lookup.addresses.length === 0) return lookup.omitted > 0 ? [] : [noAddress(lookup.name, usual, lookup.answers, dnssec.length > 0)];
  const wrong = usual.filter(each => resultOf(each) !== 'NOERROR');
  const resolvers = new Set(usual.map(each => each.resolver));
  const bad = [...new Set(wrong.map(each => each.resolver))];
  // A resolver that is not there is this machine's trouble, not that of the name.
  const isOwnTrouble = wrong.every(({ outcome }) => outcome.state !== 'answered');
  if (bad.length === 0) return [];
  return [
    {
      fault: 'resolvers-disagree',
      layer: 'network',
      symptomClass: 'resolver-error',
      confidence: 'confirmed',
      isLatent: true,
      ...(isOwnTrouble ? { isAdvice: true } : {}),
      title:
        bad.length === resolvers.size
          ? 'A question about the name is not answered'
          : `${bad.length} of ${resolvers.size} resolvers ${bad.length === 1 ? 'does' : 'do'} not answer for the name`,
      explanation: `${bad.join(', ')} ${bad.length === 1 ? 'says' : 'say'} ${[...new Set(wrong.map(resultOf))].join(', ')}${dnssec.length > 0 ? ' because of DNSSEC' : ''}, while the name has addresses elsewhere. Clients that ask there fail or wait.`,
      evidence: wrong.map(evidenceOf),
      next: lookNext('ask-resolver', 'Ask that resolver again, with and without validation', [['From this machine:', ...digs(lookup.name, wrong)]]),
    },
  ];
}

function noAddress(name: string, usual: readonly ResolverAnswer[], all: readonly ResolverAnswer[], isDnssec: boolean): Problem {
  const evidence = all.map(evidenceOf);
  const results = new Set(usual.map(resultOf));
  const common = {
    layer: 'network',
    confidence: 'confirmed',
    evidence,
    next: lookNext('ask-resolver', 'Ask the resolvers and the zone itself', [
      ['From this machine:', ...digs(name, usual)],
      ['From the root down, to see which server gives the answer:', `dig +trace ${name}`],
    ]),
  } as const;
  if (isDnssec) {
    return {
      ...common,
      fault: 'dnssec-validation-failed',
      symptomClass: 'resolver-error',
      title: 'The name does not validate by DNSSEC, so resolvers refuse to answer',
      explanation: `Asked as usual the resolver says SERVFAIL; asked not to validate (CD) it answers NOERROR. The signatures of the zone have expired, or the DS record at its parent fits no key any more.`,
      next: lookNext('mend-dnssec', 'Sign the zone anew, or mend the DS record at the registrar', [
        ['See where the chain breaks:', `delv ${name}`, `dig +dnssec ${name}`, `dig DS ${parentZone(name)}`],
        ['After keys or the provider changed: the DS record at the registrar must fit the new key, or be taken out.'],
      ]),
    };
  }
  if (results.has('NXDOMAIN')) {
    return {
      ...common,
      fault: 'dns-name-not-found',
      symptomClass: 'host-not-found',
      title: 'There is no such name',
      explanation: `The resolver says NXDOMAIN for ${name}: it was never made, it was taken out, the domain has expired, or it is misspelt.`,
    };
  }
  if (results.has('NOERROR')) {
    return {
      ...common,
      fault: 'dns-name-without-address',
      symptomClass: 'host-not-found',
      title: 'The name has no address',
      explanation: `The resolver knows ${name}, and neither an IPv4 nor an IPv6 address of it: its record is of another type, or leads to a name that has none.`,
    };
  }
  if (usual.every(({ outcome }) => outcome.state === 'not-asked')) {
    return {
      ...common,
      fault: 'dns-name-not-found',
      symptomClass: 'host-not-found',
      title: 'DNS cannot carry this name',
      explanation: `${name} is no name that can be asked for.`,
    };
  }
  const answered = usual.filter(({ outcome }) => outcome.state === 'answered');
  if (answered.length > 0) {
    return {
      ...common,
      fault: 'dns-server-failed',
      symptomClass: 'resolver-error',
      title: `The resolvers fail to find the name (${[...results].join(', ')})`,
      explanation: `${[...new Set(answered.map(each => each.resolver))].join(', ')} answered ${[...results].join(', ')}, without validation too: the servers of the zone do not answer, or refuse. Clients get no address.`,
    };
  }
  return {
    ...common,
    fault: 'dns-resolver-unreachable',
    symptomClass: 'resolver-timeout',
    title: 'No resolver of this machine answers',
    explanation: `${[...new Set(usual.map(each => `${each.resolver} (${resultOf(each)})`))].join(', ')}. Whether the name is right cannot be told from here.`,
    next: lookNext('look-at-resolver', 'See whether the resolver runs and can be reached', [
      ['On this machine:', 'cat /etc/resolv.conf', ...digs(name, usual)],
      ['Or ask another one:', `badhop trace --resolver ADDRESS ${name}`],
    ]),
  };
}

function evidenceOf(answer: ResolverAnswer): Evidence {
  const { outcome, type, resolver, checkingDisabled } = answer;
  const what = outcome.state === 'answered' && outcome.addresses.length > 0 ? `: ${outcome.addresses.join(', ')}` : '';
  const errors = outcome.state === 'answered' && outcome.errors.length > 0 ? ` (extended error ${outcome.errors.join('; ')})` : '';
  return {
    source: `probe:dns ${type} at ${resolver}`,
    text: `${resultOf(answer)}${what}${errors}${checkingDisabled ? ', asked without validation (CD)' : ''}`,
  };
}

function digs(name: string, answers: readonly ResolverAnswer[]): readonly string[] {
  return [...new Set(answers.map(each => each.resolver))].slice(0, 3).map(resolver => {
    const [, host = resolver, port = '53'] = /^\[?([^\]]+?)\]?:(\d+)$/.exec(resolver) ?? [];
    return `dig @${host}${port === '53' ? '' : ` -p ${port}`} ${name}`;
  });
}

function isServfail({ outcome }: ResolverAnswer): boolean {
  return outcome.state === 'answered' && outcome.rcode === 'SERVFAIL';
}

/** The same question without validation, and answered. */
function isUnlocked(other: ResolverAnswer, { resolver, type }: ResolverAnswer): boolean {
  return (
    other.checkingDisabled && other.resolver === resolver && other.type === type && other.outcome.state === 'answered' && other.outcome.rcode === 'NOERROR'
  );
}

function parentZone(name: string): string {
  return name.replace(/\.$/, '').split('.').slice(-2).join('.');
}
