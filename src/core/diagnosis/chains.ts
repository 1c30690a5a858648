import type { Confidence, Finding } from '../model/finding.ts';
import type { Raw } from './run-faults.ts';

/** A root cause with everything that it brought about. */
export interface Chain {
  readonly root: Raw;
  readonly consequences: readonly Raw[];
}

const confidenceRank: Readonly<Record<Confidence, number>> = { confirmed: 2, likely: 1, possible: 0 };

/** One finding a fault and subject: a fault that says the same twice has its evidence and symptoms joined. */
export function mergeSame(raw: readonly Raw[]): Raw[] {
  const merged = new Map<string, Raw>();
  for (const one of raw) {
    const key = `${one.fault.meta.id} ${one.detection.subject.kind} ${one.detection.subject.id} ${one.detection.status}`;
    const before = merged.get(key);
    merged.set(key, before === undefined ? one : join(before, one));
  }
  return [...merged.values()];
}

/**
 * Orders findings into cause chains. A finding is a consequence when another one's fault leads to its fault, the two stand
 * on the same hop, and the other is proven at least as well: a guess never takes the place of a proof.
 */
export function makeChains(raw: readonly Raw[]): Chain[] {
  const leads = leadsToClosure(raw);
  const causes = new Map<Raw, readonly Raw[]>();
  for (const [at, effect] of raw.entries()) {
    const found = raw.filter((cause, index) => index !== at && isCause(cause, effect, leads));
    // Two that lead to each other would leave no root: the earlier one stays the cause.
    causes.set(
      effect,
      found.filter(cause => !(isCause(effect, cause, leads) && raw.indexOf(cause) > at)),
    );
  }
  const roots = raw.filter(one => (causes.get(one) ?? []).length === 0);
  return roots.map(root => ({ root, consequences: raw.filter(one => !roots.includes(one) && reaches(root, one, causes, new Set())) }));
}

function isCause(cause: Raw, effect: Raw, leads: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  if (leads.get(cause.fault.meta.id)?.has(effect.fault.meta.id) !== true) return false;
  if (cause.detection.status === 'latent') return false;
  if (effect.detection.outlivesCause === true && cause.detection.status === 'past') return false;
  if (confidenceRank[cause.detection.confidence] < confidenceRank[effect.detection.confidence] && cause.detection.confidence === 'possible') return false;
  return related(cause, effect);
}

/** Same hop: a peer, a service or a symptom in common, or one of the two stands for the whole host. */
function related(a: Raw, b: Raw): boolean {
  const left = a.detection;
  const right = b.detection;
  if (left.subject.kind === 'host' || right.subject.kind === 'host') return true;
  if (left.subject.id === right.subject.id) return true;
  if (left.subject.peers.some(peer => right.subject.peers.includes(peer))) return true;
  return left.symptoms.some(symptom => right.symptoms.includes(symptom));
}

function reaches(root: Raw, one: Raw, causes: ReadonlyMap<Raw, readonly Raw[]>, seen: Set<Raw>): boolean {
  if (seen.has(one)) return false;
  seen.add(one);
  return (causes.get(one) ?? []).some(cause => cause === root || reaches(root, cause, causes, seen));
}

function leadsToClosure(raw: readonly Raw[]): ReadonlyMap<string, ReadonlySet<string>> {
  const direct = new Map(raw.map(one => [one.fault.meta.id, one.fault.meta.leadsTo]));
  const closure = new Map<string, ReadonlySet<string>>();
  for (const id of direct.keys()) {
    const all = new Set<string>();
    const todo = [...(direct.get(id) ?? [])];
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      if (all.has(next)) continue;
      all.add(next);
      todo.push(...(direct.get(next) ?? []));
    }
    all.delete(id);
    closure.set(id, all);
  }
  return closure;
}

function join(a: Raw, b: Raw): Raw {
  const stronger = confidenceRank[b.detection.confidence] > confidenceRank[a.detection.confidence] ? b : a;
  const evidence = [...a.detection.evidence];
  for (const piece of b.detection.evidence) if (!evidence.some(known => known.source === piece.source && known.text === piece.text)) evidence.push(piece);
  const [first, ...rest] = evidence;
  if (first === undefined) return stronger;
  return {
    fault: a.fault,
    detection: {
      ...stronger.detection,
      evidence: [first, ...rest],
      symptoms: [...new Set([...a.detection.symptoms, ...b.detection.symptoms])],
      subject: { ...stronger.detection.subject, peers: [...new Set([...a.detection.subject.peers, ...b.detection.subject.peers])] },
    },
  };
}

/** For sorting: proven before likely before possible. */
export function rankOf(confidence: Finding['confidence']): number {
  return confidenceRank[confidence];
}
