/**
 * After `tsc -b`, which checks the types: bundles the program into a few files in `dist/cli`. Node takes longer to find and
 * load hundreds of modules than to read as much text from a few. They are CommonJS: before Node runs an ES module it gathers every
 * name of each module of its own that is imported, and loads for it what nobody asks for (15 ms at the start of `badhop logs`).
 * Nothing is minified, so that a stack names what the source names. The text is ASCII alone: with one other character V8 holds and
 * scans the whole file at two bytes a character.
 * The kernel that counts lines of logs is compiled beside them.
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import buildKernel, { kernelFile } from './build-kernel.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'dist/cli');

const bundle = await rolldown({
  cwd: root,
  // The threads that read and uncompress logs are started from files of their own.
  input: {
    bin: join(root, 'src/cli/bin.ts'),
    'log-worker': join(root, 'src/node/logs/log-worker.ts'),
    'text-worker': join(root, 'src/node/logs/text-worker.ts'),
  },
  platform: 'node',
  external: ['commander', 'fzstd', 'xz-decompress', /^node:/],
  // What is wrong with the program is a failed build, not a line that scrolls by.
  onLog(level, log) {
    throw new Error(`${level}: ${log.message}`);
  },
});
const { output } = await bundle.generate({ format: 'cjs', entryFileNames: '[name].js', chunkFileNames: '[name].js', comments: false });
await bundle.close();

mkdirSync(folder, { recursive: true });
for (const { fileName, code } of output)
  put(
    fileName,
    code.replace(/[^\0-\x7f]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
put('package.json', '{ "type": "commonjs" }\n');
chmodSync(join(folder, 'bin.js'), 0o755);
await buildKernel();
const built = new Set([...output.map(file => file.fileName), basename(kernelFile), 'package.json']);
for (const name of readdirSync(folder)) if (!built.has(name)) rmSync(join(folder, name), { recursive: true });

/** Whole or not at all: the program may be running. */
function put(name, text) {
  const path = join(folder, name);
  if (textOf(path) === text) return;
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

function textOf(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
