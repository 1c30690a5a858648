import type { Facts } from '../model/facts.ts';
import type { Finding } from '../model/finding.ts';
import type { LogCoverage } from '../model/facts/logs.ts';
import type { Symptom } from '../model/facts/topology.ts';
import type { Verdict } from '../model/report.ts';
import { agoText, openSinceMs } from '../model/last-failure.ts';
import { startLower } from '../model/start-lower.ts';

/** What is needed to judge the host as a whole. `advice` holds the ids of faults that only advise. */
export interface VerdictInput {
  readonly facts: Facts;
  readonly findings: readonly Finding[];
  readonly symptoms: readonly Symptom[];
  readonly advice: ReadonlySet<string>;
  readonly nowMs: number;
}

interface Judgement {
  readonly verdict: Verdict;
  readonly summary: string;
}

/** The verdict and the sentence that goes with it. */
export function judge({ facts, findings, symptoms, advice, nowMs }: VerdictInput): Judgement {
  const causes = findings.filter(finding => finding.advice !== true && !advice.has(finding.fault));
  const active = causes.find(finding => finding.status === 'active');
  const ongoing = symptoms.filter(symptom => symptom.ongoing);
  const silentMs = openSinceMs(ongoing, probesAnswered(facts), nowMs);
  const silence = silentMs === undefined ? '' : `the last one ${agoText(silentMs)}; no backend was asked whether it goes on`;
  if (active !== undefined) {
    // A guess at the cause does not make up for what nobody saw.
    if (silence !== '' && causes.every(finding => finding.status !== 'active' || finding.confidence === 'possible'))
      return { verdict: 'inconclusive', summary: `Requests failed, ${silence}. ${active.title}: ${active.subject.name}.` };
    return {
      verdict: 'failing',
      summary: `${active.title}: ${active.subject.name}.${whoSees(ongoing)}${silence === '' ? '' : ` Requests failed, ${silence}.`}`,
    };
  }
  if (ongoing.length > 0) return { verdict: 'inconclusive', summary: cannotTell(ongoing, facts, findings, silence) };
  const blind = blindness(facts);
  if (blind !== undefined) return { verdict: 'inconclusive', summary: blind };
  const past = causes.find(finding => finding.status === 'past');
  const latent = causes.find(finding => finding.status === 'latent');
  const hasFailed = symptoms.length > 0 || past !== undefined;
  // What is proven to fail next weighs more than what is over; a guess about it does not.
  if (latent !== undefined && (!hasFailed || latent.confidence === 'confirmed')) {
    const now = hasFailed ? 'What failed within the window no longer does, but something else will' : 'Nothing fails now, but it will';
    return { verdict: 'at-risk', summary: `${now}: ${startLower(latent.title)} (${latent.subject.name}).` };
  }
  if (hasFailed) {
    const because = past === undefined ? 'no cause was found for what stands in the logs' : `${startLower(past.title)} (${past.subject.name})`;
    return { verdict: 'recovered', summary: `Requests failed within the window and no longer do; ${because}.` };
  }
  return { verdict: 'healthy', summary: allWell(facts) };
}

/** What was seen, and no more: a host without traffic or without probes says less. */
function allWell(facts: Facts): string {
  const access = facts['nginx-access-log'];
  const asked = probesAnswered(facts);
  const requests =
    access.state === 'known' && access.value.total > 0 ? 'No request failed within the window' : 'No request is known to have failed within the window';
  return asked > 0 ? `${requests}, and every backend that was asked answers.` : `${requests}; no backend was asked.`;
}

/** Where nothing but copies of requests fails, nobody is waiting for them. */
function whoSees(ongoing: readonly Symptom[]): string {
  const isUnseen = ongoing.some(symptom => symptom.copies === true) && ongoing.every(symptom => symptom.copies === true || symptom.probe !== undefined);
  return isUnseen ? ' Only copies of requests (mirror, update of a cache) fail: clients get their answers.' : '';
}

function cannotTell(ongoing: readonly Symptom[], facts: Facts, findings: readonly Finding[], silence: string): string {
  const stopped = notRunning(facts);
  if (stopped !== undefined && ongoing.every(symptom => symptom.class === 'client-refused')) return stopped;
  const blind = blindness(facts);
  const advice = findings.find(finding => finding.status === 'active');
  const because = blind !== undefined ? startLower(blind) : advice === undefined ? 'no known cause fits what was seen' : startLower(advice.title);
  const failing = ongoing.reduce((sum, symptom) => sum + symptom.count, 0);
  const peers = [...new Set(ongoing.flatMap(symptom => (symptom.probe === undefined || symptom.upstream === undefined ? [] : [symptom.upstream])))];
  const mute = `${peers.slice(0, 3).join(', ')}${peers.length > 3 ? ` and ${peers.length - 3} more` : ''} ${peers.length === 1 ? 'does' : 'do'} not answer when asked`;
  const seen =
    failing > 0
      ? silence === ''
        ? `Requests are failing (${failing} in the window)`
        : `Requests failed (${failing} in the window, ${silence})`
      : peers.length > 0
        ? `No request is known to have failed, but ${mute}`
        : 'No request is known to have failed, but one would fail now';
  return `${seen}, and badhop cannot tell why, because ${because.replace(/\.$/, '')}.`;
}

/** nginx is there and does not run, which nobody called a fault. */
function notRunning(facts: Facts): string | undefined {
  const instances = facts['nginx-instances'];
  if (instances.state !== 'known' || instances.value.length === 0 || instances.value.some(instance => instance.running)) return undefined;
  const [first] = instances.value;
  const unit = facts['systemd-units'].state === 'known' ? facts['systemd-units'].value.find(one => one.name === first?.unit) : undefined;
  const state = unit === undefined ? '' : ` (${unit.name} is ${unit.activeState}${unit.unitFileState === undefined ? '' : ` and ${unit.unitFileState}`})`;
  return `nginx is installed on this host and does not run${state}; nothing shows that it should, so there is nothing to diagnose here.`;
}

/** What keeps us from saying anything: no nginx, or neither its configuration nor its logs could be read. */
function blindness(facts: Facts): string | undefined {
  const instances = facts['nginx-instances'];
  if (instances.state !== 'known') return `The processes of this host could not be read: ${instances.why}.`;
  if (instances.value.length === 0) return 'No nginx runs or is installed on this host, so there is nothing to diagnose here.';
  const config = facts['nginx-layout'];
  if (config.state !== 'known') return `The configuration of nginx could not be read: ${config.why}.`;
  const unmade = [facts.topology, facts.symptoms, facts.hops].find(fact => fact.state !== 'known');
  if (unmade !== undefined) return `It could not be worked out what belongs together on this host: ${unmade.why}.`;
  const error = facts['nginx-error-log'];
  const access = facts['nginx-access-log'];
  // A flood that takes too long to read is the worst time to call it quiet.
  if (error.state === 'timeout') return `The error log of nginx could not be read in time: ${error.why}.`;
  if (access.state === 'timeout') return `The access log of nginx could not be read in time: ${access.why}.`;
  const isCut = facts['nginx-config'].state !== 'known' || facts['nginx-config'].value.some(one => one.unread.length > 0);
  const probed = probesAnswered(facts) > 0;
  if (isCut && !probed && !sawRequests(facts)) return 'Parts of the configuration of nginx could not be read, and no backend was asked.';
  // A log that is empty tells something, and one of which nothing was understood does not.
  const spoke = (log: LogCoverage): boolean => log.lines > 0 || log.unparsedLines === 0;
  if ([error, access].some(log => log.state === 'known' && log.value.coverage.some(spoke))) return undefined;
  if (!probed) return 'Neither the logs of nginx could be read nor a backend be asked.';
  const isUnread = [error, access].some(log => log.state !== 'known' || log.value.unread.length > 0 || log.value.coverage.length > 0);
  return isUnread ? 'The logs of nginx could not be read, so it is not known whether requests fail.' : undefined;
}

function sawRequests(facts: Facts): boolean {
  const access = facts['nginx-access-log'];
  return access.state === 'known' && access.value.total > 0;
}

/** Questions to backends that were really asked. */
export function probesAnswered(facts: Facts): number {
  const probes = facts['probe-results'];
  return probes.state === 'known' ? probes.value.filter(probe => probe.outcome.state !== 'not-asked').length : 0;
}
