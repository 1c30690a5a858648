import type { Evidence } from './finding.ts';
import type { ConfigDirective, NginxConfig, NginxInstance } from './facts/nginx.ts';
import type { ProcessDetail } from './facts/system.ts';
import { directivesOf, type TextChange } from './nginx-edits.ts';

/** The open files of the busiest worker of an instance, against its limit. */
export interface BusiestWorker {
  readonly pid: number;
  readonly openFiles: number;
  readonly limit: number | undefined;
}

/** Of those that take requests; what a reload has left behind has its old limits. `undefined` where no worker's open files could be read. */
export function busiestWorker({ workers }: NginxInstance, details: readonly ProcessDetail[]): BusiestWorker | undefined {
  const serving = workers.filter(worker => !worker.shuttingDown);
  const found = (serving.length > 0 ? serving : workers).flatMap(worker => {
    const detail = details.find(one => one.pid === worker.pid);
    const openFiles = detail?.openFiles ?? worker.openFiles;
    return openFiles === undefined ? [] : [{ pid: worker.pid, openFiles, limit: detail?.openFilesLimit ?? worker.openFilesLimit }];
  });
  return found.toSorted((a, b) => share(b) - share(a))[0];
}

/** The count of a worker's open files as evidence. */
export function workerEvidence({ pid, openFiles, limit }: BusiestWorker): Evidence {
  return { source: `proc:${pid}`, text: `nginx worker ${pid} has ${openFiles} open files${limit === undefined ? '' : ` of ${limit}`}` };
}

/** The last directive of that name outside any http or stream block, as nginx takes it. */
export function mainDirective(config: NginxConfig, name: string): ConfigDirective | undefined {
  let last: ConfigDirective | undefined;
  for (const { directive, within } of directivesOf(config)) if (directive.name === name && (within.length === 0 || within[0] === 'events')) last = directive;
  return last;
}

/** Gives the directive another value, or puts it in front of the `events` block. */
export function setMainDirective(config: NginxConfig, name: string, value: number): TextChange[] {
  const token = mainDirective(config, name)?.args[0];
  const path = mainDirective(config, name)?.path;
  if (token !== undefined && path !== undefined) return [{ path, start: token.start, end: token.end, text: String(value) }];
  const events = mainDirective(config, 'events');
  return events === undefined ? [] : [{ path: events.path, start: events.start, end: events.start, text: `${name} ${value};\n` }];
}

function share({ openFiles, limit }: BusiestWorker): number {
  return limit === undefined || limit === 0 ? openFiles / 2 ** 31 : openFiles / limit;
}
