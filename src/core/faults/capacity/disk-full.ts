import { symptomEvidence } from '../../model/evidence.ts';
import { failsStill } from '../../model/fails-still.ts';
import { defineFault } from '../../model/fault.ts';
import { diskOf, lacksOf, pathIn } from '../../model/disks.ts';
import type { Disk } from '../../model/facts/system.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Evidence } from '../../model/finding.ts';

/** Where nginx writes by default: with these full, it fails or falls silent. */
const nginxFolders = ['/var/log/nginx', '/var/lib/nginx', '/var/cache/nginx'];

export default defineFault({
  meta: {
    id: 'disk-full',
    layer: 'capacity',
    title: 'A file system that nginx writes to is full',
    explains: ['disk-full', 'unattributed-5xx'],
    requires: ['symptoms', 'resources', 'refused-disks'],
    leadsTo: [],
    messages: {
      full: '{mount} has no {what} left ({free}), and nginx could not write {path}: requests with large bodies fail, and large answers are cut short.',
      was: 'nginx could not write {path} because its file system was full. Now {mount} has {free}: nginx itself removes what it could not finish, and so frees some.',
      silent: '{mount} has no {what} left ({free}). nginx writes its logs or temporary files there: what fails because of it may not even be logged.',
    },
  },
  *detect({ symptoms, resources, 'refused-disks': refused }, { nowMs }) {
    const disks = [...refused, ...resources.disks];
    const failing = symptoms.filter(symptom => symptom.class === 'disk-full');
    for (const symptom of failing) {
      const path = symptom.errorGroups.flatMap(group => group.samples.flatMap(sample => pathIn(sample.message) ?? [])).at(-1);
      const disk = path === undefined ? undefined : diskOf(path, disks);
      const lacks = disk === undefined ? undefined : lacksOf(disk);
      const [first, ...rest] = [...symptomEvidence(symptom, 2), ...(disk === undefined ? [] : [diskEvidence(disk)])];
      if (first === undefined) continue;
      const failed = symptoms.filter(one => one.class === 'unattributed-5xx' && one.status === 500 && one.upstream === undefined && overlap(one, symptom));
      yield {
        confidence: lacks !== undefined ? 'confirmed' : disk !== undefined && disk.availableBytes < disk.totalBytes * 0.1 ? 'likely' : 'possible',
        status: failsStill([symptom], lacks !== undefined, nowMs) ? 'active' : 'past',
        subject: { kind: 'file', id: disk?.mount ?? path ?? 'disk', name: disk?.mount ?? path ?? 'a file system', peers: [] },
        messageId: lacks === undefined ? 'was' : 'full',
        data: {
          mount: disk?.mount ?? 'it',
          what: lacks ?? 'space',
          free: disk === undefined ? 'an unknown amount left' : freeText(disk),
          path: path ?? 'a file',
        },
        evidence: [first, ...rest],
        symptoms: [symptom, ...failed].map(one => one.id),
        fixData: { mount: disk?.mount ?? '/', lacks: lacks ?? 'space' },
      };
    }
    if (failing.length > 0) return;
    for (const disk of new Set(nginxFolders.flatMap(folder => diskOf(folder, disks) ?? []))) {
      const lacks = lacksOf(disk);
      if (lacks === undefined) continue;
      yield {
        confidence: 'likely',
        status: 'latent',
        subject: { kind: 'file', id: disk.mount, name: disk.mount, peers: [] },
        messageId: 'silent',
        data: { mount: disk.mount, what: lacks, free: freeText(disk) },
        evidence: [diskEvidence(disk)],
        symptoms: [],
        fixData: { mount: disk.mount, lacks },
      };
    }
  },
});

function diskEvidence(disk: Disk): Evidence {
  return {
    source: `exec:df ${disk.mount}`,
    text: `${disk.mount}: ${disk.availableBytes} of ${disk.totalBytes} bytes and ${disk.inodesFree} of ${disk.inodes} inodes free`,
  };
}

function freeText({ availableBytes, totalBytes, inodesFree }: Disk): string {
  return `${Math.floor(availableBytes / 1024)} KiB of ${Math.floor(totalBytes / 1024)} KiB and ${inodesFree} inodes free`;
}

function overlap(one: Symptom, other: Symptom): boolean {
  return one.firstMs - 15_000 <= other.lastMs && other.firstMs <= one.lastMs + 15_000;
}
