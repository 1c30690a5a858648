import type { Detection, Evidence } from './finding.ts';
import { connectionVerdict, type ConnectionVerdict, type PortRange } from './facts/firewall.ts';
import type { Hop } from './facts/hop.ts';
import type { NetworkPath } from './facts/network.ts';
import type { NginxInstance } from './facts/nginx.ts';
import type { FirewallRule, Resources } from './facts/system.ts';
import type { Symptom } from './facts/topology.ts';
import { startsOf } from './restarts.ts';

/** A rule of this host that ends a connection to a peer. */
export interface RefusedByRule {
  readonly rule: FirewallRule;
  /** What the rule does; of a rule that may or may not apply, what it would do. */
  readonly does: 'reject' | 'drop';
  /** False where a part of the rule could not be judged from outside. */
  readonly isCertain: boolean;
  /** It strikes the workers of nginx and not root: a probe by root passes. */
  readonly onlyWorkers: boolean;
  readonly at: NonNullable<ConnectionVerdict['at']>;
  readonly hook: string;
}

export interface FirewallSurroundings {
  readonly rules: readonly FirewallRule[];
  readonly instances: readonly NginxInstance[];
  readonly paths: readonly NetworkPath[];
  readonly resources: Resources | undefined;
}

/** What the rules of this host do with connections of nginx's workers to a peer. Undefined where they let them pass. */
export function refusedByRule(hop: Hop, { rules, instances, paths, resources }: FirewallSurroundings): RefusedByRule | undefined {
  const { address, local } = hop.peer;
  // Rules belong to a network namespace, and these are badhop's.
  if (address.kind !== 'tcp' || hop.peer.namespace !== undefined) return undefined;
  const path = paths.find(one => one.address === address.host);
  const localPorts = portRange(resources?.sysctl['net.ipv4.ip_local_port_range']);
  const connection = {
    destination: address.host,
    port: address.port,
    local,
    ...(path?.dev === undefined ? {} : { dev: path.dev }),
    ...(path?.source === undefined ? {} : { source: path.source }),
    ...(localPorts === undefined ? {} : { localPorts }),
  };
  const uids = [...new Set(instances.filter(one => one.running).flatMap(one => one.workerUid ?? []))];
  const byRoot = connectionVerdict(rules, { ...connection, uid: 0 });
  const verdicts = [...uids.map(uid => connectionVerdict(rules, { ...connection, uid })), ...(uids.length === 0 ? [byRoot] : [])];
  const worst = verdicts.find(one => one.verdict === 'reject' || one.verdict === 'drop') ?? verdicts.find(one => one.verdict === 'unknown');
  if (worst?.rule === undefined || (worst.rule.verdict !== 'reject' && worst.rule.verdict !== 'drop')) return undefined;
  return {
    rule: worst.rule,
    does: worst.rule.verdict,
    isCertain: worst.verdict !== 'unknown',
    onlyWorkers: byRoot.verdict === 'accept',
    at: worst.at ?? 'request',
    hook: worst.hook ?? worst.rule.hook ?? 'input',
  };
}

/**
 * Whether a rule that counts or remembers may have let just the probe pass: it has met packets, or does not count them, and the service was there
 * all the time that requests failed. While it was being started anew the kernel itself refuses.
 */
export function mayHavePassedProbe({ isCertain, rule }: RefusedByRule, hop: Hop, failing: readonly Symptom[]): boolean {
  if (isCertain || rule.packets === 0 || failing.length === 0) return false;
  return startsOf(hop, Math.min(...failing.map(symptom => symptom.firstMs))).length === 0;
}

/** The rule as its tool prints it, and where it stands. */
function ruleEvidence({ tool, table, chain, text, policy }: FirewallRule): Evidence {
  const source = tool === 'nft' ? `exec:nft list chain ${table} ${chain}` : `exec:${tool}-save -t ${table}`;
  return { source, text: policy === true && !text.includes(chain) ? `policy of ${chain}: ${text}` : text };
}

/** What a finding about the rule says, beside its status and its symptoms. `listens` says where the peer is; `isSeen`: a probe met the rule. */
export function saidOfRule(
  { rule, isCertain, onlyWorkers, at }: RefusedByRule,
  { address, listens, isSeen, seen }: { readonly address: string; readonly listens: string; readonly isSeen: boolean; readonly seen: readonly Evidence[] },
): Pick<Detection<'rule' | 'perhaps'>, 'confidence' | 'messageId' | 'data' | 'evidence' | 'fixData'> {
  return {
    confidence: isCertain ? 'confirmed' : isSeen ? 'likely' : 'possible',
    messageId: isCertain ? 'rule' : 'perhaps',
    data: {
      listens,
      rule: rule.text,
      table: rule.table,
      chain: rule.chain,
      address,
      whose: onlyWorkers ? "nginx's workers'" : 'all',
      way: at === 'answer' ? 'back' : 'there',
    },
    evidence: [ruleEvidence(rule), ...seen],
    fixData: { commands: commandsFor(rule), rule: rule.text, address },
  };
}

/** Commands that show the rule, and the one that would remove it; for a person. */
export function commandsFor({ tool, family, table, chain, text, policy }: FirewallRule): string[] {
  if (chain.startsWith('ufw')) return ['ufw status numbered', 'ufw delete NUMBER'];
  if (table === 'firewalld' || table.includes('firewalld')) return ['firewall-cmd --list-all', 'firewall-cmd --list-rich-rules'];
  if (tool === 'nft') {
    const of = `${family ?? 'inet'} ${table} ${chain}`;
    return [`nft -a list chain ${of}`, policy === true ? `nft insert rule ${of} tcp dport PORT accept` : `nft delete rule ${of} handle NUMBER`];
  }
  const flag = table === 'filter' ? '' : `-t ${table} `;
  if (policy === true) return [`${tool} ${flag}-S ${chain}`, `${tool} ${flag}-I ${chain} -p tcp --dport PORT -j ACCEPT`];
  return [`${tool} ${flag}-S ${chain}`, ...(text.startsWith('-A ') ? [`${tool} ${flag}-D ${text.slice(3)}`] : [])];
}

function portRange(text: string | undefined): PortRange | undefined {
  const [from, to] = (text ?? '').trim().split(/\s+/).map(Number);
  return from === undefined || to === undefined || !Number.isInteger(from) || !Number.isInteger(to) || from > to ? undefined : [from, to];
}
