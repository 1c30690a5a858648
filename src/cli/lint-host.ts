import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Collection, Request } from '../core/model/collector.ts';
import { absent, known, unparsable, type Known } from '../core/model/fact.ts';
import type { ReadOptions, ReadResult } from '../core/model/host.ts';
import { isPackaged } from '../core/lint/scopes.ts';
import { createLocalHost } from '../node/hosts/local.ts';

export interface LintHostOptions {
  /** Folder of the main file. */
  readonly folder: string;
  /** Where absolute paths are looked up; `undefined` for this machine's own root. */
  readonly root: string | undefined;
  /** Files that are not on disk: standard input, and what is written around a fragment. */
  readonly made: ReadonlyMap<string, Uint8Array>;
  /** A site or a snippet: its relative paths are below the folder of a main file that is not known. */
  readonly isPart?: boolean;
}

/** Folders that packages configure nginx in. */
export const packaged: readonly string[] = [
  '/etc/nginx',
  '/usr/local/etc/nginx',
  '/usr/local/nginx/conf',
  '/usr/local/openresty/nginx/conf',
  '/opt/homebrew/etc/nginx',
];

/** This machine's files as the configuration names them. */
export class LintHost {
  private readonly options: LintHostOptions;
  private readonly local = createLocalHost();

  constructor(options: LintHostOptions) {
    this.options = options;
  }

  /**
   * Where the file is that the configuration calls so. A configuration outside nginx's own folder that names its files by their
   * place on another machine (`/etc/nginx/conf.d/*.conf`) has them beside it.
   */
  onDisk(path: string): string {
    const { folder, root } = this.options;
    if (path === folder || path.startsWith(`${folder}/`)) return path;
    if (root !== undefined) return join(root, path);
    if (packaged.includes(folder)) return path;
    const within = packaged.find(each => path.startsWith(`${each}/`));
    if (within !== undefined) {
      const [first = ''] = path.slice(within.length + 1).split('/');
      if (existsSync(join(folder, first))) return join(folder, path.slice(within.length));
    }
    // `repo/etc/nginx/nginx.conf` stands for a whole root.
    const above = packaged.find(each => folder.endsWith(each) && folder !== each);
    return above === undefined ? path : join(folder.slice(0, -above.length), path);
  }

  /** Takes a collection through its steps. */
  async collect<T>(steps: Collection<T>): Promise<Known<T>> {
    let step = steps.next();
    while (!step.done) step = steps.next(await Promise.all(step.value.map(request => this.answer(request))));
    return step.value;
  }

  async read(path: string, options: ReadOptions): Promise<Known<ReadResult>> {
    const bytes = this.options.made.get(path);
    if (bytes !== undefined) {
      const limit = options.limit ?? bytes.length;
      return known({ bytes: bytes.subarray(0, limit), size: bytes.length, atEnd: bytes.length <= limit });
    }
    return this.elsewhere(path, await this.local.read(this.onDisk(path), options));
  }

  private async answer(request: Request): Promise<Known<unknown>> {
    if (request.kind === 'read') return this.read(request.path, request.options ?? {});
    if (request.kind === 'list') return this.elsewhere(request.path, await this.local.list(this.onDisk(request.path)));
    if (request.kind === 'stat') return this.options.made.has(request.path) ? absent('it is not on disk') : this.local.stat(this.onDisk(request.path));
    return absent('it is not asked for a configuration alone');
  }

  /** What is not here may be on the machine that the configuration is for: then nobody knows what it holds. */
  private elsewhere<T>(path: string, answer: Known<T>): Known<T> {
    const { folder, root, isPart = false } = this.options;
    if (answer.state !== 'absent' || root !== undefined || basename(path) === '') return answer;
    if (packaged.includes(folder) || packaged.includes(dirname(folder))) return answer;
    const isBeside = path === folder || path.startsWith(`${folder}/`);
    if (!isBeside) return unparsable('it is not on this machine; --root says where absolute paths are looked up');
    if (isPackaged(path)) return unparsable('it is not here; packages of nginx bring it, and it is taken for theirs');
    return isPart ? unparsable('it is not here; nginx looks for it below the folder of the nginx.conf that includes this part') : answer;
  }
}
