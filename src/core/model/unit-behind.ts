import type { Evidence } from './finding.ts';
import type { Hop } from './facts/hop.ts';
import { formatAddress, runPath, takesConnectionsTo, type Address } from './host.ts';
import type { LostPeer } from './facts/lost-peer.ts';
import type { SocketUnit, SystemdUnit } from './facts/system.ts';

/** The unit that serves a peer, and how sure that is. */
export interface UnitBehind {
  readonly unit: SystemdUnit;
  /**
   * `configured`: its settings or its processes name the peer's address. `named`: its command line, its runtime directory or
   * what it logged names it. `likened`: its name or the time of its end fit, better than any other's.
   */
  readonly how: 'configured' | 'named' | 'likened';
  /** Why it is thought to be the one: the end of a sentence that begins with its name. */
  readonly because: string;
  readonly evidence: readonly Evidence[];
}

/** The least weight of a name or a time that fits: below it, what runs or ran somewhere is no more than that. */
export const fairWeight = 3;

/** So much later the other one of two must have ended to be likelier than one that is enabled. */
const enabledForMs = 20_000;

/** What ran last at an address is what is missing there; of two that ended at about the same time, the one that is meant to run. */
export function byLastRun(a: SystemdUnit, b: SystemdUnit): number {
  const [first, second] = [lastRunMs(a), lastRunMs(b)];
  return first === second ? 0 : second - first;
}

function lastRunMs(unit: SystemdUnit): number {
  return (endOf(unit) ?? 0) + (unit.unitFileState === 'disabled' || unit.unitFileState === 'masked' ? 0 : enabledForMs);
}

/**
 * A command without the addresses that it asks: those of URLs (`curl http://127.0.0.1:8017/health`), of stores and of what exporters scrape. Kestrel
 * and others listen at URLs too, after an option that says so.
 */
function withoutQuestions(command: string): string {
  return command
    .split(/[\s"']+/)
    .map((word, index, words) => {
      const equals = /^[\w.-]+(?==)/.exec(word)?.[0];
      const before = words[index - 1] ?? '';
      const option = equals ?? (before.startsWith('-') ? before : '');
      if (
        /^-.*(?:scrape|target|probe|upstream|broker|redis|database|cache|-db\b)/i.test(option) ||
        /(?:redis|amqp|postgres(?:ql)?|mysql|mongodb)s?:\/\//i.test(word)
      )
        return '';
      return /^(?:[\w.-]+=)?https?:\/\//i.test(word) && !/(?:urls|bind|listen|^-b)$/i.test(option) ? '' : word;
    })
    .join(' ');
}

/** Words of one that asks there, or tried to in vain; who binds in vain says `in use`. */
const asksThere = /refused|unreachable|timed out|connect(?:ing|ion)? to\b|\b(?:GET|HEAD|POST)\b|https?:\/\/[^\s/]+\/\w/i;

/** What a name and a time that both fit weigh. */
const tellingWeight = 7;

/** True where systemd does not try to bring the unit back. */
export function hasEnded(unit: SystemdUnit): boolean {
  return unit.activeState === 'inactive' || unit.activeState === 'failed' || unit.activeState === 'deactivating';
}

/** When it stopped running last. */
export function endOf(unit: SystemdUnit): number | undefined {
  return unit.execMainExitMs ?? unit.inactiveEnterMs;
}

/** The unit of the peer's service. Where no service is known and nobody listens, the units that do not run are searched. */
export function unitBehind(hop: Hop, hops: readonly Hop[], units: readonly SystemdUnit[], lost: readonly LostPeer[] = []): UnitBehind | undefined {
  if (hop.unit !== undefined) return { unit: hop.unit, how: 'configured', because: 'its settings name it', evidence: [] };
  const runs = hop.service?.masterPid !== undefined || (hop.service?.workerPids.length ?? 0) > 0;
  if (runs || !hop.peer.local) return undefined;
  const taken = new Set(hops.flatMap(other => other.unit?.name ?? []));
  const candidates = units.filter(unit => !taken.has(unit.name) && mayServe(unit) && !waitsElsewhere(unit, hop));
  if (hop.peer.listeners.length > 0) {
    const isHeld = hop.peer.listeners.every(listener => listener.pids.every(pid => pid === 1));
    const started = isHeld ? candidates.find(unit => socketOf(unit, hop.peer.address) !== undefined) : undefined;
    const evidence = started === undefined ? undefined : namingOf(started, hop.peer.address);
    return started === undefined || evidence === undefined
      ? undefined
      : { unit: started, how: 'named', because: 'its socket unit names that address', evidence: [evidence] };
  }
  const byFile = candidates.find(unit => startsService(unit, hop));
  if (byFile !== undefined)
    return {
      unit: byFile,
      how: 'named',
      because: 'its command names the same configuration file',
      evidence: [{ source: `exec:systemctl show ${byFile.name}`, text: `ExecStart=${byFile.execStart ?? ''}` }],
    };
  const naming = candidates.flatMap(unit => {
    const evidence = namingOf(unit, hop.peer.address);
    return evidence === undefined ? [] : [{ unit, evidence }];
  });
  const [named, rival] = naming.sort((a, b) => byLastRun(a.unit, b.unit));
  const search = lost.find(one => one.peerId === hop.peer.id);
  const [first, second] = search?.stopped ?? [];
  // The predecessor of what ran there last names the address too.
  const isFormer = named !== undefined && first !== undefined && first.weight >= tellingWeight && lastRunMs(first.unit) - lastRunMs(named.unit) >= enabledForMs;
  if (named !== undefined && !isFormer) {
    const { unit, evidence } = named;
    return {
      unit,
      how: rival !== undefined && Math.abs(lastRunMs(unit) - lastRunMs(rival.unit)) < enabledForMs ? 'likened' : 'named',
      because: `${evidence.source.startsWith('journal:') ? 'it logged' : 'its settings name'} that address`,
      evidence: [evidence],
    };
  }
  const program = search?.stoppedPrograms?.[0]?.weight ?? 0;
  if (first === undefined || first.weight < fairWeight || first.weight <= program) return undefined;
  if (second !== undefined && first.weight === second.weight && lastRunMs(first.unit) - lastRunMs(second.unit) < enabledForMs) return undefined;
  return { unit: first.unit, how: 'likened', because: first.signs.join(', and '), evidence: [] };
}

/** Of an address that no route of nginx names: the unit that does not run and names it, where there is one or it ran there last. */
export function stoppedUnitAt(address: Address, units: readonly SystemdUnit[]): { readonly unit: SystemdUnit; readonly evidence: Evidence } | undefined {
  const [first, second] = units
    .filter(unit => hasEnded(unit) && mayServe(unit))
    .flatMap(unit => {
      const evidence = namingOf(unit, address);
      return evidence === undefined ? [] : [{ unit, evidence }];
    })
    .sort((a, b) => byLastRun(a.unit, b.unit));
  const isTied = first !== undefined && second !== undefined && lastRunMs(first.unit) - lastRunMs(second.unit) < enabledForMs;
  return isTied ? undefined : first;
}

/** Runs no more or not yet, has run before or should, and is no job that ends by itself. */
function mayServe(unit: SystemdUnit): boolean {
  if (unit.loadState !== 'loaded' || unit.type === 'oneshot' || unit.name.startsWith('nginx')) return false;
  // One in a restart loop may be up for the moment at which it was looked at.
  if (!hasEnded(unit) && unit.activeState !== 'activating' && unit.restarts === 0) return false;
  return unit.inactiveEnterMs !== undefined || unit.execMainExitMs !== undefined || unit.unitFileState === 'enabled';
}

/** systemd starts it for the first connection to another address: it is not missing here. */
function waitsElsewhere(unit: SystemdUnit, hop: Hop): boolean {
  return unit.sockets?.some(one => one.activeState === 'active') === true && socketOf(unit, hop.peer.address) === undefined;
}

/** Its command names a configuration file of the peer's service. */
function startsService(unit: SystemdUnit, hop: Hop): boolean {
  return hop.service?.configFiles.some(path => unit.execStart?.split(' ').some(word => word === path || word.endsWith(`=${path}`)) === true) === true;
}

function namingOf(unit: SystemdUnit, address: Address): Evidence | undefined {
  const socket = socketOf(unit, address);
  if (socket !== undefined)
    return {
      source: `exec:systemctl show ${socket.name}`,
      text: `Listen=${formatAddress(address).replace(/^unix:/, '')} ActiveState=${socket.activeState} Result=${socket.result}`,
    };
  const command: Evidence = { source: `exec:systemctl show ${unit.name}`, text: `ExecStart=${unit.execStart ?? ''}` };
  if (address.kind === 'unix') {
    const path = runPath(address.path);
    const folders = (unit.runtimeDirectory ?? '').split(' ').filter(folder => folder !== '');
    const folder = folders.find(name => path.startsWith(`/run/${name}/`));
    if (folder !== undefined) return { source: `exec:systemctl show ${unit.name}`, text: `RuntimeDirectory=${folder}` };
    if (withoutQuestions(unit.execStart ?? '').includes(path)) return command;
    return journalNaming(unit, text => text.includes(path));
  }
  if (holdsNumber(withoutQuestions(unit.execStart ?? ''), address.port, () => true)) return command;
  return journalNaming(unit, text =>
    holdsNumber(
      text,
      address.port,
      before => before.endsWith(':') || before.trimEnd().toLowerCase().endsWith('port') || before.toLowerCase().endsWith('port='),
    ),
  );
}

function socketOf(unit: SystemdUnit, address: Address): SocketUnit | undefined {
  return unit.sockets?.find(one => one.addresses.some(other => holds(other, address)));
}

/** Whether the socket takes what is sent to the address. */
function holds(socket: Address, address: Address): boolean {
  if (socket.kind === 'unix') return address.kind === 'unix' && runPath(socket.path) === runPath(address.path);
  if (address.kind === 'unix') return false;
  return socket.port === address.port && takesConnectionsTo(socket.host, address.host);
}

function journalNaming(unit: SystemdUnit, names: (text: string) => boolean): Evidence | undefined {
  const line = unit.journal.findLast(one => one.identifier !== 'systemd' && names(one.text) && !asksThere.test(one.text.slice(0, 1000)));
  return line === undefined ? undefined : { source: `journal:${unit.name}`, text: line.text };
}

/** The number as a word of its own, where what stands before it is accepted. */
function holdsNumber(text: string, number: number, accepts: (before: string) => boolean): boolean {
  const word = String(number);
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1)) {
    const before = text.charAt(at - 1);
    const after = text.charAt(at + word.length);
    if (!isWordPart(before) && !isWordPart(after) && after !== '.' && before !== '.' && accepts(text.slice(Math.max(0, at - 8), at))) return true;
  }
  return false;
}

function isWordPart(character: string): boolean {
  return character !== '' && /\w/.test(character);
}
