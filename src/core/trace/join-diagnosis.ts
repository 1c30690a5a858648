import type { Evidence, Finding } from '../model/finding.ts';
import type { NotChecked, Report } from '../model/report.ts';

/** The request of a trace, in the diagnosis of the host that it was sent to. */
export interface AskedUrl {
  /** The trace alone, of one request. */
  readonly trace: Report;
  /** The lines that this very request made in the host's logs. */
  readonly lines: readonly Evidence[];
}

/** The diagnosis with the request in it: what it got, the line that it made, and the finding that this line belongs to. */
export function joinDiagnosis(diagnosis: Report, { trace, lines }: AskedUrl): Report {
  const symptoms = trace.symptoms.map(symptom => ({ ...symptom, id: `url-${symptom.id}`, samples: lines.length === 0 ? symptom.samples : [...lines] }));
  const ids = symptoms.map(({ id }) => id);
  const active = trace.findings.filter(({ status }) => status === 'active');
  const root =
    active.length === 0
      ? undefined
      : diagnosis.findings.find(finding => finding.status === 'active' && finding.causedBy === undefined && names(lines, finding));
  const asked = active.map((finding): Finding => ({
    ...finding,
    share: 0,
    evidence: [...lines, ...finding.evidence],
    symptoms: finding.symptoms.map(id => `url-${id}`),
    ...(root === undefined ? {} : { causedBy: root.fault }),
  }));
  const own = diagnosis.findings.map(finding => (finding === root ? withRequest(finding, lines, ids, active) : finding));
  const isNews = active.length > 0 && diagnosis.verdict !== 'failing';
  // On the host itself the request is sent whatever the certificate is; what other clients will say of it is told all the same. An
  // authority of the house need not be trusted on this machine.
  const latent = trace.findings.filter(({ status, advice, fault }) => status === 'latent' && advice !== true && fault !== 'tls-untrusted-issuer');
  const isRisk = !isNews && latent.length > 0 && diagnosis.verdict === 'healthy';
  return {
    ...diagnosis,
    ...(isNews
      ? { verdict: 'failing', summary: trace.summary }
      : isRisk
        ? { verdict: 'at-risk', summary: `${latent[0]?.title ?? ''} (${latent[0]?.subject.name ?? ''}).` }
        : {}),
    durationMs: diagnosis.durationMs + trace.durationMs,
    symptoms: [...diagnosis.symptoms, ...symptoms],
    findings: isNews ? [...asked, ...own, ...latent] : [...own, ...asked, ...latent],
    notChecked: [...diagnosis.notChecked, ...trace.notChecked, ...noLine(lines)],
    ...(trace.trace === undefined ? {} : { trace: trace.trace }),
  };
}

/** Whether a line of the log names what the finding is about, as a whole word. */
function names(lines: readonly Evidence[], { subject }: Finding): boolean {
  return [subject.id, ...subject.peers].some(id => id.length > 3 && lines.some(({ text }) => holdsWord(text, id)));
}

function holdsWord(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    if (!/[\w.-]/.test(text.charAt(at - 1)) && !/[\w-]/.test(text.charAt(at + word.length))) return true;
  }
  return false;
}

function withRequest(finding: Finding, lines: readonly Evidence[], ids: readonly string[], active: readonly Finding[]): Finding {
  return {
    ...finding,
    evidence: [...finding.evidence, ...lines],
    symptoms: [...finding.symptoms, ...ids],
    consequences: [...new Set([...finding.consequences, ...active.map(({ fault }) => fault)])],
  };
}

function noLine(lines: readonly Evidence[]): readonly NotChecked[] {
  if (lines.length > 0) return [];
  return [
    {
      what: 'The log line of the request',
      why: "no log of this host's nginx that could be read has it",
      how: 'see whether the format of the access log has $http_referer or $http_user_agent, and whether the request reaches this nginx at all',
    },
  ];
}
