import type { Facts } from '../model/facts.ts';
import type { Finding } from '../model/finding.ts';
import type { Symptom } from '../model/facts/topology.ts';
import type { Verdict } from '../model/report.ts';

/** What is needed to judge the host as a whole. `advice` holds the ids of faults that only advise. */
export interface VerdictInput {
  readonly facts: Facts;
  readonly findings: readonly Finding[];
  readonly symptoms: readonly Symptom[];
  readonly advice: ReadonlySet<string>;
}

/** The verdict and the sentence that goes with it. */
export function judge({ facts, findings, symptoms, advice }: VerdictInput): { readonly verdict: Verdict; readonly summary: string } {
  const root = findings[0];
  const active = findings.filter(finding => finding.status === 'active' && !advice.has(finding.fault));
  if (active.length > 0) return { verdict: 'failing', summary: `${root?.title ?? ''}: ${root?.subject.name ?? ''}.` };
  const ongoing = symptoms.filter(symptom => symptom.ongoing);
  if (ongoing.length > 0) return { verdict: 'inconclusive', summary: cannotTell(ongoing, facts) };
  const blind = blindness(facts);
  if (blind !== undefined) return { verdict: 'inconclusive', summary: blind };
  const past = findings.find(finding => finding.status === 'past');
  if (symptoms.length > 0 || past !== undefined) {
    const because = past === undefined ? 'no cause was found for what stands in the logs' : `${past.title}: ${past.subject.name}`;
    return { verdict: 'recovered', summary: `Requests failed within the window and no longer do; ${because}.` };
  }
  const latent = findings.find(finding => finding.status === 'latent' && !advice.has(finding.fault));
  if (latent !== undefined) return { verdict: 'at-risk', summary: `Nothing fails now, but it will: ${latent.title.charAt(0).toLowerCase()}${latent.title.slice(1)} (${latent.subject.name}).` };
  return { verdict: 'healthy', summary: 'No request failed within the window, and every backend that was asked answers.' };
}

function cannotTell(ongoing: readonly Symptom[], facts: Facts): string {
  const blind = blindness(facts);
  const because = blind === undefined ? 'no known cause fits what was seen' : blind.charAt(0).toLowerCase() + blind.slice(1);
  const failing = ongoing.reduce((sum, symptom) => sum + symptom.count, 0);
  return `Requests are failing (${failing} in the window), and badhop cannot tell why, because ${because.replace(/\.$/, '')}.`;
}

/** What keeps us from saying anything: no nginx, or neither its configuration nor its logs could be read. */
function blindness(facts: Facts): string | undefined {
  const instances = facts['nginx-instances'];
  if (instances.state !== 'known') return `The processes of this host could not be read: ${instances.why}.`;
  if (instances.value.length === 0) return 'No nginx runs or is installed on this host, so there is nothing to diagnose here.';
  const config = facts['nginx-layout'];
  if (config.state !== 'known') return `The configuration of nginx could not be read: ${config.why}.`;
  const error = facts['nginx-error-log'];
  const access = facts['nginx-access-log'];
  const errorUnread = error.state !== 'known' || (error.value.coverage.length === 0 && error.value.unread.length > 0);
  const accessUnread = access.state !== 'known' || (access.value.coverage.length === 0 && access.value.unread.length > 0);
  const probed = facts['probe-results'].state === 'known';
  if (errorUnread && accessUnread && !probed) return 'Neither the logs of nginx could be read nor a backend be asked.';
  if (errorUnread && accessUnread) return 'The logs of nginx could not be read, so it is not known whether requests fail.';
  return undefined;
}
