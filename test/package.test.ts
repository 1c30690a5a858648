import { describe, expect, it } from 'vitest';
import { isThere, textOf } from './source-files.ts';

interface LockedPackage {
  readonly version?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(textOf('package.json')) as {
  readonly bin: Readonly<Record<string, string>>;
  readonly engines: Readonly<Record<string, string>>;
  readonly files: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};
const { packages } = JSON.parse(textOf('package-lock.json')) as { readonly packages: Readonly<Record<string, LockedPackage>> };

describe('the package', () => {
  it('locks the packages of every platform, as npm ci demands', () => {
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(name => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages)),
    );
    expect(missing, 'a registry that lacks them made this lock; run npm install against one that has them').toEqual([]);
  });

  it('says in one place each which Node it needs', () => {
    const [, major = '', minor = ''] = /^>=(\d+)\.(\d+)$/.exec(manifest.engines['node'] ?? '') ?? [];
    const program = textOf('src/cli/bin.ts');
    expect(program).toContain(`Node.js ${major}.${minor}`);
    expect(textOf('scripts/setup.mjs')).toContain(`minimum = [${major}, ${minor}]`);
    expect(textOf('README.md')).toContain(`Node.js ${major}.${minor}`);
    expect(textOf('.node-version').trim()).toBe(manifest.devDependencies['node']);
  });

  it('explains each dependency', () => {
    const page = textOf('docs/dependencies.md');
    const names = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.devDependencies)];
    expect(names.filter(name => !page.includes(name))).toEqual([]);
  });

  it('ships the pages that `explain` prints and the schemas of the reports', () => {
    const written = manifest.files.filter(path => path.startsWith('docs/'));
    expect(written).toEqual([
      'docs/changes-report.schema.json',
      'docs/faults',
      'docs/lint',
      'docs/lint-report.schema.json',
      'docs/logs-report.schema.json',
      'docs/report.schema.json',
      'docs/size-report.schema.json',
      'docs/trace.md',
    ]);
    expect(written.filter(path => !isThere(path))).toEqual([]);
  });

  it('ships its programs, and nothing of what the compiler writes for itself', () => {
    const shipped = manifest.files.filter(path => path.startsWith('dist'));
    expect(shipped).toEqual(['dist/cli']);
    expect(Object.values(manifest.bin).filter(path => !shipped.some(folder => path.startsWith(`${folder}/`)))).toEqual([]);
  });

  it('builds its program from a source that is there', () => {
    const sources = Object.values(manifest.bin).map(path => path.replace(/^dist\//, 'src/').replace(/\.js$/, '.ts'));
    expect(sources.filter(path => !isThere(path))).toEqual([]);
  });
});
