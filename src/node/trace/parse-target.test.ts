import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BadhopError } from '../../core/model/error.ts';
import { parseAddressPort, parseOrigin, parseRedirect, parseResolve, parseTarget } from './parse-target.ts';

/** The outcome of a parser that may refuse: a value, or the code of the one error that it may throw. */
function outcome<T>(run: () => T): T | string {
  try {
    return run();
  } catch (error) {
    if (error instanceof BadhopError) return error.code;
    throw error;
  }
}

describe('a URL', () => {
  it.each([
    ['https://shop.example/cart?a=1#top', { scheme: 'https', host: 'shop.example', port: 443, path: '/cart?a=1', authority: 'shop.example' }],
    ['shop.example', { scheme: 'https', port: 443, path: '/', url: 'https://shop.example/' }],
    ['shop.example:8443/x', { scheme: 'https', host: 'shop.example', port: 8443 }],
    ['HTTP://SHOP.Example:8080', { scheme: 'http', host: 'shop.example', port: 8080, authority: 'shop.example:8080' }],
    ['ws://shop.example/socket', { scheme: 'ws', port: 80 }],
    ['wss://[2001:db8::1]:9443/', { scheme: 'wss', host: '2001:db8::1', port: 9443, authority: '[2001:db8::1]:9443' }],
    ['http://bücher.example/', { host: 'xn--bcher-kva.example' }],
    ['http://0x7f.1/', { host: '127.0.0.1' }],
    ['  https://shop.example/  ', { host: 'shop.example' }],
    ['https://shop_1.example/', { host: 'shop_1.example' }],
  ])('%s', (text, expected) => {
    expect(parseTarget(text).target).toMatchObject(expected);
  });

  it('keeps user and password out of what is shown', () => {
    const { target, credentials } = parseTarget('https://user:p%40ss@shop.example/');
    expect(credentials).toBe('user:p@ss');
    expect(JSON.stringify(target)).not.toContain('ss@');
    expect(target.url).toBe('https://shop.example/');
  });

  it('that is any text is read or refused', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.webUrl(),
          fc.string().map(text => `https://${text}`),
        ),
        text => {
          const read = outcome(() => parseTarget(text));
          if (typeof read === 'string') expect(read).toBe('usage');
          // What stands in the request line can end neither it nor the field of the host.
          else expect(`${read.target.path}${read.target.authority}`).toMatch(/^[\x21-\x7e]+$/);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('a redirect', () => {
  const from = parseTarget('https://shop.example/a/b?c=1').target;

  it.each([
    ['/login', 'https://shop.example/login'],
    ['d', 'https://shop.example/a/d'],
    ['//other.example/', 'https://other.example/'],
    ['http://shop.example/', 'http://shop.example/'],
    ['?x=1', 'https://shop.example/a/b?x=1'],
    ['/caf\u00c3\u00a9', 'https://shop.example/caf%C3%A9'],
  ])('to %s', (location, url) => {
    expect(parseRedirect(location, from)?.url).toBe(url);
  });

  it('to any bytes leads somewhere or nowhere', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), location => {
        const target = parseRedirect(location, from);
        if (target !== undefined) expect(`${target.path}${target.authority}`).toMatch(/^[\x21-\x7e]+$/);
      }),
    );
  });
});

describe('addresses', () => {
  it('as curl has them', () => {
    expect(parseResolve('Shop.Example:443:192.0.2.7,[2001:db8::1]')).toEqual({ key: 'shop.example:443', addresses: ['192.0.2.7', '2001:db8::1'] });
    expect(parseResolve('[2001:db8::5]:80:192.0.2.7')).toEqual({ key: '2001:db8::5:80', addresses: ['192.0.2.7'] });
    expect(parseResolve('shop.example:*:192.0.2.7').key).toBe('shop.example:*');
  });

  it('of a resolver and an origin', () => {
    expect(parseAddressPort('192.0.2.53', 53, '--resolver')).toEqual({ host: '192.0.2.53', port: 53 });
    expect(parseAddressPort('[2001:db8::1]:5353', 53, '--resolver')).toEqual({ host: '2001:db8::1', port: 5353 });
    expect(parseAddressPort('2001:db8::1', 53, '--resolver')).toEqual({ host: '2001:db8::1', port: 53 });
    expect(parseOrigin('192.0.2.7')).toEqual({ host: '192.0.2.7', port: undefined, scheme: undefined });
    expect(parseOrigin('HTTP://origin.internal:8080/')).toEqual({ host: 'origin.internal', port: 8080, scheme: 'http' });
    expect(parseOrigin('[2001:db8::1]')).toEqual({ host: '2001:db8::1', port: undefined, scheme: undefined });
  });

  it('in any text are read or refused', () => {
    fc.assert(
      fc.property(fc.string(), text => {
        for (const run of [() => parseResolve(text), () => parseOrigin(text), () => parseAddressPort(text, 53, '--resolver')]) {
          const read = outcome<unknown>(run);
          if (typeof read === 'string') expect(read).toBe('usage');
        }
      }),
    );
  });
});
