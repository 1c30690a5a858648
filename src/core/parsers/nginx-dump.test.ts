import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseNginxDump } from './nginx-dump.ts';

describe('parseNginxDump', () => {
  it('finds files without content and takes a header that comes again for a comment', () => {
    const text = '# configuration file /a:\n\n# configuration file /b:\nx;\n# configuration file /a:\ny;\n\n';
    expect([...parseNginxDump(text)]).toEqual([
      ['/a', ''],
      ['/b', 'x;\n# configuration file /a:\ny;\n'],
    ]);
  });

  it('gives back what nginx would have printed', () => {
    const file = fc.array(fc.constantFrom('a;', '\n', '#', ' ', '# configuration file x'), { maxLength: 8 }).map(parts => parts.join(''));
    fc.assert(
      fc.property(fc.array(file, { minLength: 1, maxLength: 5 }), texts => {
        const printed = texts.map((text, i) => `# configuration file /f${i}:\n${text}\n`).join('');
        // A file that does not end its last line still has its line feed from nginx.
        expect([...parseNginxDump(printed).values()]).toEqual(texts);
      }),
    );
  });

  it('takes any text', () => {
    const part = fc.oneof(fc.constantFrom('# configuration file ', '/a:', '\n', ':'), fc.string({ unit: 'binary', maxLength: 5 }));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 20 }), parts => {
        const text = parts.join('');
        for (const content of parseNginxDump(text).values()) expect(text).toContain(content);
      }),
    );
  });
});
