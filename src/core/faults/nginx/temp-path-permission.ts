import { pathIn } from '../../model/disks.ts';
import { symptomEvidence } from '../../model/evidence.ts';
import { valueOr } from '../../model/fact.ts';
import type { PathFile, PathPart } from '../../model/facts.ts';
import { defineFault } from '../../model/fault.ts';
import { describePart, refusalOf, type Identity } from '../../model/socket-access.ts';

const permissionDenied = 13;
const readOnlyFileSystem = 30;

/**
 * The workers may not write their temporary files, by the rights of the folder or because its file system is read-only: large bodies end
 * in a 500, and large answers are cut short with a 200. A full disk gives another number in the same line.
 */
export default defineFault({
  meta: {
    id: 'temp-path-permission',
    layer: 'nginx',
    title: 'nginx may not write its temporary files',
    explains: ['temp-file', 'unattributed-5xx'],
    requires: ['symptoms', 'nginx-instances'],
    uses: ['socket-files'],
    leadsTo: [],
    messages: {
      refused:
        'The workers run as {user}, and {part} keeps that user from writing {path}. Bodies larger than the buffers fail, and large answers are cut short.',
      'read-only':
        'The file system of {path} is mounted read-only, or only for nginx (ProtectSystem=, ReadOnlyPaths=): it may not write there, whatever the modes say. Bodies larger than the buffers fail, and large answers are cut short.',
      seen: 'nginx was refused the right to write {path}. By the rights as they are now it may: they were changed since (a reload or nginx -t gives nginx its own folders), or an access rule outside of the file modes forbids it.',
    },
  },
  *detect({ symptoms, 'nginx-instances': instances, ...facts }) {
    const files = valueOr(facts['socket-files'], []);
    for (const symptom of symptoms) {
      if (symptom.class !== 'temp-file') continue;
      const groups = symptom.errorGroups.filter(({ errno }) => errno === permissionDenied || errno === readOnlyFileSystem);
      const samples = groups.flatMap(group => group.samples);
      const path = samples.flatMap(sample => pathIn(sample.message) ?? []).at(-1);
      if (path === undefined) continue;
      const isReadOnly = groups.every(({ errno }) => errno === readOnlyFileSystem);
      const instance =
        instances.find(one => one.workers.some(worker => samples.some(sample => sample.pid === worker.pid))) ?? instances.find(one => one.running);
      const file = files.find(one => one.path === path);
      const part =
        isReadOnly || instance?.workerUid === undefined || file === undefined
          ? undefined
          : hindrance(file, { uid: instance.workerUid, gids: instance.workerGids ?? [] });
      const [first, ...rest] = [...symptomEvidence(symptom, 2), ...(part === undefined ? [] : [{ source: `stat ${part.path}`, text: describePart(part) }])];
      if (first === undefined) continue;
      const failed = symptoms.filter(
        one =>
          one.class === 'unattributed-5xx' &&
          one.status === 500 &&
          one.upstream === undefined &&
          one.firstMs <= symptom.lastMs &&
          one.lastMs >= symptom.firstMs,
      );
      const folder = path.slice(0, path.lastIndexOf('/'));
      yield {
        // No other state of a host gives this number.
        confidence: part === undefined && !isReadOnly ? 'possible' : 'confirmed',
        status: symptom.ongoing ? 'active' : 'past',
        subject: { kind: 'file', id: part?.path ?? folder, name: part?.path ?? folder, peers: [] },
        messageId: isReadOnly ? 'read-only' : part === undefined ? 'seen' : 'refused',
        data: { user: instance?.workerUser ?? 'their user', part: part === undefined ? '' : describePart(part), path },
        evidence: [first, ...rest],
        symptoms: [symptom.id, ...failed.map(one => one.id)],
        ...(isReadOnly ? { fixData: { readOnly: folder } } : {}),
        ...(part === undefined ? {} : { fixData: { path: part.path, mode: part.mode, isLeaf: part === file?.chain.at(-1), user: instance?.workerUser ?? '' } }),
      };
    }
  },
});

/** The folder that cannot be searched, or the last one that is there, where it cannot be written. */
function hindrance(file: PathFile, who: Identity): PathPart | undefined {
  const folders = file.chain.filter(part => part.kind === 'directory');
  const refused = refusalOf({ ...file, chain: folders }, who);
  if (refused !== undefined) return refused.part;
  const last = folders.at(-1);
  if (last === undefined || who.uid === 0) return undefined;
  const shift = last.uid === who.uid ? 6 : who.gids.includes(last.gid) ? 3 : 0;
  return ((last.mode >> shift) & 2) === 0 ? last : undefined;
}
