/**
 * Compiles `src/kernel` with AssemblyScript to `dist/cli/log-kernel.wasm`, unless what lies there is newer than its sources.
 * The memory has a fixed size (`memoryPages` of 64 KiB), so that the engine need not check the bounds of each access.
 */
import { mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = join(root, 'src/kernel');
const memoryPages = 512;

export const kernelFile = join(root, 'dist/cli/log-kernel.wasm');

/** Also vitest's global set-up. */
export default async function buildKernel() {
  const inputs = [...readdirSync(sources).map(name => join(sources, name)), fileURLToPath(import.meta.url), join(root, 'package-lock.json')];
  const built = statSync(kernelFile, { throwIfNoEntry: false });
  if (built !== undefined && inputs.every(path => statSync(path).mtimeMs < built.mtimeMs)) return;
  mkdirSync(dirname(kernelFile), { recursive: true });
  // Two builds at a time (a test run beside `npm run build`) must not write into one another's file.
  const draft = join(root, `dist/log-kernel.${process.pid}.new`);
  writeFileSync(draft, await compiled());
  renameSync(draft, kernelFile);
}

async function compiled() {
  const { main } = await import('assemblyscript/asc');
  const written = [];
  const said = [];
  const options = ['-O3', '--converge', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--use', 'abort='];
  // Texts of the kernel lie below all that `src/kernel/memory.ts` names.
  const memory = ['--importMemory', '--initialMemory', String(memoryPages), '--maximumMemory', String(memoryPages), '--memoryBase', '64'];
  const { error } = await main([join(sources, 'index.ts'), '--outFile', 'kernel.wasm', ...options, ...memory], {
    writeFile: (_, contents) => void written.push(contents),
    stderr: { write: text => void said.push(text) },
  });
  const [binary] = written;
  if (error !== null || binary === undefined) throw new Error(`The kernel does not compile:\n${said.join('')}`);
  return binary;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildKernel();
