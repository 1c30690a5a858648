import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../model/host.ts';
import { parseListeningLine } from './listening-line.ts';

describe('where a server says that it listens', () => {
  it.each([
    ['[2026-11-21 07:31:27 +0000] [18166] [INFO] Listening at: http://127.0.0.1:9201 (18166)', '127.0.0.1:9201'],
    ['Listening at: unix:/srv/app/gt.sock,http://0.0.0.0:9705 (22154)', 'unix:/srv/app/gt.sock'],
    ['INFO:     Uvicorn running on http://127.0.0.1:9702 (Press CTRL+C to quit)', '127.0.0.1:9702'],
    ['* Listening on http://0.0.0.0:9502', '0.0.0.0:9502'],
    ['Server listening on port 3000', '*:3000'],
    ['up, listening on :::3000', '[::]:3000'],
    ['cart is listening on 127.0.0.1:8033.', '127.0.0.1:8033'],
    ['Server listening at http://[::1]:3000/', '[::1]:3000'],
    ['Tomcat started on port(s): 8080 (http) with context path', '*:8080'],
    ['2026/11/21 07:00:00 listening on :8080', '*:8080'],
  ])('%s', (line, expected) => {
    const address = parseListeningLine(line);
    expect(address === undefined ? undefined : formatAddress(address)).toBe(expected);
  });

  it.each([
    'up',
    'connecting to 127.0.0.1:5432',
    'Started cart.service - cart (Node).',
    'started on 2026-11-21 07:00:00',
    'job running at night',
    'running on node 20',
    'started at 07:30:01',
    'started at 07:30',
  ])('finds nothing in %s', line => {
    expect(parseListeningLine(line)).toBeUndefined();
  });

  it('never throws and is linear', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), text => void parseListeningLine(`listening on ${text}`)));
    const start = performance.now();
    parseListeningLine(`listening ${'on at '.repeat(200_000)}`);
    expect(performance.now() - start).toBeLessThan(500);
  });
});
