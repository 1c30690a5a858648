import type { LabHost } from '../lab/host.ts';
import type { Scenario, Stage } from '../lab/scenario.ts';
import { textOf } from './source-files.ts';

const nginxFolder = '/etc/nginx/';
const fixtures = 'src/core/parsers/nginx-conf.fixtures/debian-';

/** What Debian's package puts there, as far as sites include it. */
const packaged: ReadonlyMap<string, string> = new Map([
  ['/etc/nginx/nginx.conf', textOf(`${fixtures}nginx-1.22.1.conf`)],
  ['/etc/nginx/mime.types', textOf(`${fixtures}mime.types-1.22.1.conf`)],
  ['/etc/nginx/fastcgi_params', textOf(`${fixtures}fastcgi_params-1.22.1.conf`)],
  ['/etc/nginx/fastcgi.conf', `fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;\n${textOf(`${fixtures}fastcgi_params-1.22.1.conf`)}`],
  ['/etc/nginx/snippets/fastcgi-php.conf', textOf(`${fixtures}fastcgi-php-1.22.1.conf`)],
]);

/** The nginx configuration of a lab scenario, before and after it is broken. */
export interface PaperConfigs {
  /** `undefined` where the set-up cannot be played on paper as far as a site. */
  readonly before: ReadonlyMap<string, string> | undefined;
  readonly after: ReadonlyMap<string, string> | undefined;
}

/**
 * Plays a scenario on a host that is paper: files under /etc/nginx are kept, every program succeeds and prints nothing. What needs
 * a real answer throws, and what was written by then counts.
 */
export async function playOnPaper(scenario: Scenario): Promise<PaperConfigs> {
  const files = new Map(packaged);
  const host = paperHost(files);
  const stage: Stage = { url: 'http://127.0.0.1/', another: () => Promise.resolve(paperHost(new Map())), other: () => paperHost(new Map()) };
  const isSetUp = await ends(scenario.setUp(host, stage));
  const hasSite = (): boolean => [...files].some(([path, text]) => packaged.get(path) !== text);
  const before = hasSite() ? new Map(files) : undefined;
  if (isSetUp && scenario.breakIt !== undefined) await ends(scenario.breakIt(host, stage));
  return { before, after: hasSite() ? new Map(files) : undefined };
}

async function ends(work: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>(resolve => {
    timer = setTimeout(resolve, 300, false);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

function paperHost(files: Map<string, string>): LabHost {
  const known: Partial<LabHost> = {
    name: 'paper',
    pid: 1,
    recipe: '',
    exec: () => Promise.resolve({ code: 0, stdout: '', stderr: '', timedOut: false }),
    run: () => Promise.resolve(''),
    shell: (_script, args = [], options = {}) => {
      const [path = ''] = args;
      // `cat > "$1"` is how scenarios change a file in place.
      if (path.startsWith(nginxFolder) && options.input !== undefined) files.set(path, options.input);
      return Promise.resolve('');
    },
    write: (path, text) => {
      if (path.startsWith(nginxFolder)) files.set(path, text);
      return Promise.resolve();
    },
    read: path => Promise.resolve(files.get(path) ?? ''),
    until: () => Promise.resolve(),
    unitProcesses: () => Promise.resolve([2]),
    request: () => Promise.reject(new Error('paper answers nothing')),
  };
  return new Proxy(known, {
    get: (target, name) => (name in target ? target[name as keyof LabHost] : () => Promise.resolve('')),
  }) as LabHost;
}
