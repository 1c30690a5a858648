import { describe, expect, it } from 'vitest';
import { rules } from '../src/core/lint/rules/index.ts';
import { lintText } from './lint-rule.ts';
import { filesBelow, textOf } from './source-files.ts';

/** Configurations as guides and products give them, in our own words; nginx 1.22.1 accepts each, stream for which it has no module aside. */
const samples = filesBelow('test/lint-healthy.fixtures', '.conf');
const versions = ['1.18.0', '1.22.1', '1.26.3', '1.28.0', '1.31.5'];

describe.each(samples)('%s', path => {
  it.each(versions)('has nothing wrong for nginx %s', version => {
    const { findings } = lintText(rules, { text: textOf(path), version });
    expect(
      findings.map(({ line, message, rule, severity }) => `${severity} ${rule}, line ${line}: ${message}`).filter(text => !text.startsWith('notice')),
    ).toEqual([]);
  });
});

it("Debian's own configuration has nothing to say of at all", () => {
  const debian = 'src/core/parsers/nginx-conf.fixtures/debian';
  const text = {
    '/etc/nginx/nginx.conf': textOf(`${debian}-nginx-1.22.1.conf`),
    '/etc/nginx/mime.types': textOf(`${debian}-mime.types-1.22.1.conf`),
    '/etc/nginx/sites-enabled/default': textOf(`${debian}-sites-default-1.22.1.conf`),
  };
  for (const version of versions) expect(lintText(rules, { text, version }).findings).toEqual([]);
});

it('sees samples', () => {
  expect(samples.length).toBeGreaterThan(8);
});
