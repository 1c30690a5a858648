import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { runProgram } from '../src/cli/program.ts';
import { BadhopError } from '../src/core/model/error.ts';
import { renderTerminal } from '../src/core/reporters/terminal.ts';
import { schemaProblems } from './report-schema.ts';
import { root } from './source-files.ts';
import { answering, CertificateFolder, endServers, listen, listenTls, nginxPage, page, resolver, traced } from './trace-servers.ts';

afterEach(endServers);

const ok = answering(page('200 OK', 'hello'));
const bad = answering(nginxPage('502 Bad Gateway'));

describe('who answered', () => {
  it('is nothing to say of a good answer', async () => {
    const { port, count } = await listen(ok);
    const report = await traced(`http://127.0.0.1:${port}/cart`, { count: 3 });
    expect(report).toMatchObject({ verdict: 'healthy', findings: [], traffic: { requests: 3, failed: 0 } });
    expect(count()).toBe(3);
    expect(schemaProblems(report)).toEqual([]);
  });

  it('is told of an error, with what to do next', async () => {
    const { port } = await listen(bad);
    const report = await traced(`http://127.0.0.1:${port}/cart`);
    expect(report.findings).toHaveLength(1);
    expect(report.findings[0]).toMatchObject({
      fault: 'error-answer',
      confidence: 'confirmed',
      status: 'active',
      share: 1,
      title: 'nginx answers 502 Bad Gateway',
      subject: { id: 'behind:nginx' },
    });
    expect(report.findings[0]?.fixes[0]?.steps.length).toBeGreaterThan(1);
    expect(report.topology.layers?.map(({ id }) => id)).toEqual(['nginx', 'behind:nginx']);
    expect(report.trace?.answered).toMatchObject({ answeredBy: 'nginx' });
    expect(schemaProblems(report)).toEqual([]);
  });

  it('is narrowed to a place where the words of the status are not those of the proxy', async () => {
    const fields = ['Date: Sat, 21 Nov 2026 12:00:00 GMT', 'Content-Type: text/html'];
    const { port } = await listen(
      answering(`HTTP/1.1 503 Service Unavailable\r\nServer: nginx/1.22.1\r\n${fields.join('\r\n')}\r\nContent-Length: 5\r\n\r\nsorry`),
    );
    const url = `http://127.0.0.1:${port}/a?b=1&c=2`;
    const report = await traced(url);
    expect(schemaProblems(report)).toEqual([]);
    expect(report.findings[0]).toMatchObject({ confidence: 'likely', title: 'What stands behind nginx answers 503 Service Unavailable' });
    expect(report.findings[0]?.subject).toMatchObject({ id: 'behind:nginx', kind: 'upstream' });
    expect(report.trace?.answered?.narrowedTo).toMatchObject([
      {
        place: 'behind',
        product: 'nginx',
        command: `badhop trace --origin ADDRESS '${url}'`,
        because: expect.stringContaining('Service Temporarily Unavailable'),
      },
    ]);
    expect(report.trace?.answered?.answeredBy).toBeUndefined();
    expect(renderTerminal(report, { width: 80, colour: false, unicode: true, verbose: false })).toContain('client → nginx → ✗ what nginx passes requests to');
  });

  it('is narrowed to two where the bytes fit both, and each is told with what would show it', async () => {
    const fields = ['Server: nginx/1.22.1', 'Date: Sat, 21 Nov 2026 12:00:00 GMT', 'Content-Type: text/html', 'Content-Length: 5'];
    const { port } = await listen(answering(`HTTP/1.1 502 Bad Gateway\r\n${fields.join('\r\n')}\r\n\r\nsorry`));
    const report = await traced(`http://127.0.0.1:${port}/`);
    expect(schemaProblems(report)).toEqual([]);
    expect(report.findings[0]).toMatchObject({
      confidence: 'possible',
      title: 'What stands behind nginx, or nginx itself, answers 502 Bad Gateway',
      subject: { id: 'behind:nginx' },
    });
    expect(report.trace?.answered?.narrowedTo?.map(({ place, product }) => `${place} ${product}`)).toEqual(['behind nginx', 'itself nginx']);
    expect(report.trace?.answered?.narrowedTo?.[1]?.tells).toContain('$upstream_status');
    const text = renderTerminal(report, { width: 80, colour: false, unicode: true, verbose: true });
    expect(text).toContain('Perhaps what stands behind nginx');
    expect(text).toContain('Perhaps nginx itself');
  });

  it('is not told where nothing tells it', async () => {
    const { port } = await listen(answering(page('502 Bad Gateway', 'sorry', ['Date: Sat, 21 Nov 2026 12:00:00 GMT'])));
    const report = await traced(`http://127.0.0.1:${port}/`);
    expect(report.verdict).toBe('failing');
    expect(report.findings[0]).toMatchObject({ fault: 'error-answer', confidence: 'possible' });
    expect(report.findings[0]?.title).toContain('cannot be told');
    expect(report.trace?.answered?.cannotTell?.why).toMatch(/\.$/);
  });

  it.each([
    ['404 Not Found', 'healthy'],
    ['403 Forbidden', 'healthy'],
    ['500 Internal Server Error', 'failing'],
    ['503 Service Unavailable', 'failing'],
    ['504 Gateway Time-out', 'failing'],
    ['421 Misdirected Request', 'failing'],
  ])('%s is %s', async (status, verdict) => {
    const { port } = await listen(answering(page(status)));
    expect((await traced(`http://127.0.0.1:${port}/`)).verdict).toBe(verdict);
  });
});

describe('several addresses', () => {
  it('are asked each, and the bad one is named', async () => {
    const { port } = await listen(ok, '127.0.0.11');
    await listen(ok, '127.0.0.12', port);
    await listen(bad, '127.0.0.13', port);
    await listen(ok, '127.0.0.14', port);
    const addresses = [11, 12, 13, 14].map(last => `127.0.0.${last}`).join(',');
    const report = await traced(`http://shop.test:${port}/`, { resolve: [`shop.test:${port}:${addresses}`], count: 3 });
    expect(report.traffic).toMatchObject({ requests: 12, failed: 3 });
    expect(report.findings[0]?.title).toBe('1 of 4 addresses fails: nginx answers 502 Bad Gateway');
    expect(report.findings[0]?.subject.peers).toEqual([`127.0.0.13:${port}`]);
    expect(report.findings[0]?.explanation).toContain(`127.0.0.11:${port}`);
  });

  it('of which one refuses the connection', async () => {
    const { port } = await listen(ok, '127.0.0.11');
    const report = await traced(`http://shop.test:${port}/`, { resolve: [`shop.test:${port}:127.0.0.11,127.0.0.12`], count: 2 });
    expect(report.findings).toHaveLength(1);
    expect(report.findings[0]).toMatchObject({ fault: 'connection-refused', confidence: 'confirmed', subject: { kind: 'peer', id: `127.0.0.12:${port}` } });
    expect(report.findings[0]?.title).toContain('1 of 2 addresses fails');
  });

  it('that fail now and then are told as such', async () => {
    let requests = 0;
    const { port } = await listen(answering(() => (requests++ % 4 === 1 ? nginxPage('502 Bad Gateway') : page('200 OK'))));
    const report = await traced(`http://127.0.0.1:${port}/`, { count: 8 });
    expect(report.findings[0]?.title).toBe('2 of 8 requests fail: nginx answers 502 Bad Gateway');
    expect(report.symptoms[0]).toMatchObject({ count: 2, shape: 'now and then' });
  });

  it('of both families are asked where this machine has both', async () => {
    const { port } = await listen(ok, '127.0.0.1');
    const report = await traced(`http://shop.test:${port}/`, { resolve: [`shop.test:${port}:127.0.0.1,2001:db8::7`], timeout: 500 });
    const told = [...report.notChecked.map(({ what }) => what), ...report.findings.map(({ subject }) => subject.id)];
    expect(told.some(text => text.includes('2001:db8::7'))).toBe(true);
    expect(schemaProblems(report)).toEqual([]);
  });
});

describe('an address of IPv6', () => {
  it('is asked where it stands in the URL', async () => {
    const { port } = await listen(ok, '::1');
    const report = await traced(`http://[::1]:${port}/`);
    expect(report.verdict).toBe('healthy');
    expect(report.trace?.hops[0]?.requests[0]?.address).toBe(`[::1]:${port}`);
  });
});

describe('names', () => {
  it('with a dot at their end are the same', async () => {
    const { port } = await listen(ok);
    expect((await traced(`http://shop.test.:${port}/`, { resolve: [`shop.test:${port}:127.0.0.1`] })).verdict).toBe('healthy');
  });

  it('are resolved with their chain, at the resolver that was given', async () => {
    const { port } = await listen(ok, '127.0.0.21');
    const asked = await resolver((_name, type) => ({ alias: 'edge.test', ...(type === 1 ? { a: ['127.0.0.21'] } : {}) }));
    const report = await traced(`http://Shop.Example:${port}/`, { resolver: [asked] });
    expect(report.verdict).toBe('healthy');
    expect(report.trace?.hops[0]).toMatchObject({ namedBy: 'dns', addresses: ['127.0.0.21'], aliases: ['edge.test'] });
    expect(report.trace?.hops[0]?.resolvers).toHaveLength(2);
    expect(schemaProblems(report)).toEqual([]);
  });

  it.each([
    ['that is not there', { rcode: 3 }, 'dns-name-not-found'],
    ['without an address', {}, 'dns-name-without-address'],
    ['that the servers of the zone do not serve', { rcode: 2 }, 'dns-server-failed'],
    ['that is refused', { rcode: 5 }, 'dns-server-failed'],
  ])('a name %s', async (_what, answer, fault) => {
    const asked = await resolver(() => answer);
    const report = await traced('https://shop.example/', { resolver: [asked] });
    expect(report.findings.map(each => each.fault)).toEqual([fault]);
    expect(report.verdict).toBe('failing');
    expect(report.findings[0]?.evidence[0]?.source).toContain(asked);
    expect(schemaProblems(report)).toEqual([]);
  });

  it('a name that DNSSEC makes unreachable', async () => {
    const asked = await resolver((_name, type, checkingDisabled) => (checkingDisabled ? (type === 1 ? { a: ['127.0.0.1'] } : {}) : { rcode: 2 }));
    const report = await traced('https://shop.example/', { resolver: [asked] });
    expect(report.findings[0]).toMatchObject({ fault: 'dnssec-validation-failed', confidence: 'confirmed' });
    expect(report.trace?.hops[0]?.resolvers.some(each => each.checkingDisabled && each.result === 'NOERROR')).toBe(true);
  });

  it('a resolver that does not answer, and one that does', async () => {
    const { port } = await listen(ok);
    const silent = await resolver(() => undefined);
    const asked = await resolver((_name, type) => (type === 1 ? { a: ['127.0.0.1'] } : {}));
    const report = await traced(`http://shop.example:${port}/`, { resolver: [silent, asked] });
    expect(report.findings.map(({ fault }) => fault)).toEqual(['resolvers-disagree']);
    expect(report.findings[0]?.advice).toBe(true);
    expect(report.verdict).toBe('healthy');
    const alone = await traced('http://shop.example/', { resolver: [silent] });
    expect(alone.findings[0]?.fault).toBe('dns-resolver-unreachable');
  }, 20_000);

  it('a resolver that knows no such name, and one that does', async () => {
    const { port } = await listen(ok);
    const wrong = await resolver(() => ({ rcode: 3 }));
    const asked = await resolver((_name, type) => (type === 1 ? { a: ['127.0.0.1'] } : {}));
    const report = await traced(`http://shop.example:${port}/`, { resolver: [wrong, asked] });
    expect(report.findings.map(({ fault }) => fault)).toEqual(['resolvers-disagree']);
    expect(report.verdict).toBe('at-risk');
    expect(report.findings[0]?.explanation).toContain(wrong);
  });

  it('a resolver that refuses, and one that is none', async () => {
    const report = await traced('http://shop.example/', { resolver: ['127.0.0.1:1'] });
    expect(report.findings[0]?.fault).toBe('dns-resolver-unreachable');
  });

  it('a name with IPv6 addresses alone is asked by them, or cannot be judged from here', async () => {
    const asked = await resolver((_name, type) => (type === 28 ? { aaaa: [Buffer.from('20010db8000000000000000000000007', 'hex')] } : {}));
    const report = await traced('http://shop.example/', { resolver: [asked], timeout: 500 });
    expect(report.trace?.hops[0]?.addresses).toEqual(['2001:db8::7']);
    expect(['inconclusive', 'failing']).toContain(report.verdict);
    if (report.verdict === 'inconclusive') expect(report.notChecked[0]?.why).toContain('IPv6');
  });

  it('localhost needs no resolver', async () => {
    const { port } = await listen(ok);
    expect((await traced(`http://localhost:${port}/`, { ipv4: true })).verdict).toBe('healthy');
  });
});

describe('redirects', () => {
  it('are followed to the answer', async () => {
    const target = await listen(bad);
    const { port } = await listen(answering(page('301 Moved Permanently', '', [`Location: http://127.0.0.1:${target.port}/cart`])));
    const report = await traced(`http://127.0.0.1:${port}/`);
    expect(report.trace?.hops.map(({ url }) => url)).toEqual([`http://127.0.0.1:${port}/`, `http://127.0.0.1:${target.port}/cart`]);
    expect(report.findings[0]?.fault).toBe('error-answer');
    expect((await traced(`http://127.0.0.1:${port}/`, { follow: false })).verdict).toBe('healthy');
  });

  it('that go round are a fault', async () => {
    const { port } = await listen(answering(page('302 Found', '', ['Location: /login'])));
    const report = await traced(`http://127.0.0.1:${port}/login`);
    expect(report.findings[0]).toMatchObject({ fault: 'redirect-loop', confidence: 'confirmed' });
    expect(report.verdict).toBe('failing');
    expect(schemaProblems(report)).toEqual([]);
  });

  it('without an end are followed so far and no further', async () => {
    let n = 0;
    const { port, count } = await listen(answering(() => page('302 Found', '', [`Location: /${n++}`])));
    const report = await traced(`http://127.0.0.1:${port}/`, { count: 3 });
    expect(report.findings[0]?.fault).toBe('redirect-chain-too-long');
    expect(count()).toBeLessThan(20);
  });

  it.each(['ftp://127.0.0.1/x', 'http://', 'javascript:alert(1)', 'http://[::1', 'http://a:99999/'])('to %s lead nowhere', async location => {
    const { port } = await listen(answering(page('302 Found', '', [`Location: ${location}`])));
    expect((await traced(`http://127.0.0.1:${port}/`)).findings[0]?.fault).toBe('redirect-target-unusable');
  });

  it('to another host take no secret along', async () => {
    let seen = '';
    const target = await listen(
      answering(request => {
        seen = request;
        return page('200 OK');
      }),
      '127.0.0.2',
    );
    const { port } = await listen(answering(page('302 Found', '', [`Location: http://127.0.0.2:${target.port}/`])));
    await traced(`http://127.0.0.1:${port}/`, { header: ['Authorization: Bearer abcdefgh', 'Cookie: a=bcdefgh', 'Accept-Language: de'] });
    expect(seen).toContain('Accept-Language: de');
    expect(seen).not.toMatch(/authorization|cookie/i);
  });

  it('after a POST with 303 turn into a GET, with 307 they stay', async () => {
    const seen: string[] = [];
    const target = await listen(
      answering(request => {
        seen.push(request);
        return page('200 OK');
      }),
    );
    for (const status of ['303 See Other', '307 Temporary Redirect']) {
      const { port } = await listen(answering(page(status, '', [`Location: http://127.0.0.1:${target.port}/`])));
      await traced(`http://127.0.0.1:${port}/`, { data: 'a=1' });
    }
    expect(seen[0]).toMatch(/^GET \/ HTTP\/1\.1\r\n/);
    expect(seen[0]).not.toMatch(/content-length/i);
    expect(seen[1]).toMatch(/^POST /);
    expect(seen[1]).toMatch(/content-length: 3/i);
  });
});

describe('the origin', () => {
  it('that answers well while the edge fails is a finding of its own', async () => {
    const edge = await listen(bad);
    let host = '';
    const origin = await listen(
      answering(request => {
        host = /host: (.*)\r/i.exec(request)?.[1] ?? '';
        return page('200 OK');
      }),
    );
    const report = await traced(`http://shop.test:${edge.port}/cart`, { resolve: [`shop.test:${edge.port}:127.0.0.1`], origin: `127.0.0.1:${origin.port}` });
    expect(host).toBe(`shop.test:${edge.port}`);
    expect(report.findings[0]).toMatchObject({ fault: 'edge-fails-origin-healthy', confidence: 'confirmed', share: 1 });
    expect(report.findings[1]).toMatchObject({ fault: 'error-answer', causedBy: 'edge-fails-origin-healthy' });
    expect(schemaProblems(report)).toEqual([]);
  });

  it('whose header is too long for the edge, and which is slower than the edge waits, is told as such', async () => {
    const edge = await listen(answering(nginxPage('504 Gateway Time-out')));
    const origin = await listen(socket => {
      socket.once('data', () => setTimeout(() => socket.end(page('200 OK', 'hello', [`X-Long: ${'y'.repeat(5000)}`])), 300));
    });
    const report = await traced(`http://127.0.0.1:${edge.port}/`, { origin: `127.0.0.1:${origin.port}` });
    expect(report.findings[0]?.explanation).toContain('proxy_buffer_size');
    expect(report.findings[0]?.explanation).toContain('compare its timeout');
  });

  it('that fails too is the root', async () => {
    const edge = await listen(bad);
    const report = await traced(`http://127.0.0.1:${edge.port}/`, { origin: '127.0.0.1:1' });
    expect(report.findings[0]).toMatchObject({ fault: 'connection-refused', share: 1 });
    expect(report.findings[0]?.title).toContain('At the origin');
    expect(report.findings[1]).toMatchObject({ fault: 'error-answer', causedBy: 'connection-refused' });
  });

  it('that gives the page which the edge shows made it, and stands behind the layers that are known', async () => {
    const date = 'Date: Sat, 21 Nov 2026 12:00:00 GMT';
    const edge = await listen(answering(`HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\n${date}\r\nContent-Length: 5\r\n\r\nsorry`));
    const traceWith = async (text: string) => {
      const origin = await listen(answering(page('502 Bad Gateway', text, [date])));
      return traced(`http://127.0.0.1:${edge.port}/`, { origin: `127.0.0.1:${origin.port}` });
    };
    const same = await traceWith('sorry');
    expect(same.findings[0]?.explanation).toContain('it passed on what the origin answered');
    expect(renderTerminal(same, { width: 100, colour: false, unicode: true, verbose: false })).toContain('client → nginx → ✗ the origin');
    const other = await traceWith('hello');
    expect(other.findings[0]?.explanation).not.toContain('passed on');
  });

  it('that fails while the edge answers is a risk', async () => {
    const edge = await listen(ok);
    const report = await traced(`http://127.0.0.1:${edge.port}/`, { origin: '127.0.0.1:1' });
    expect(report.verdict).toBe('at-risk');
    expect(report.findings[0]).toMatchObject({ fault: 'connection-refused', status: 'latent' });
  });

  it('on a plain port behind an edge with TLS is asked without it', async () => {
    const folder = new CertificateFolder();
    try {
      folder.authority('root', '/CN=Root Of This Test');
      const edge = await listenTls(folder.leaf('edge', ['127.0.0.1'], 'root'), bad);
      const origin = await listen(socket => {
        socket.once('data', chunk => socket.end(chunk[0] === 22 ? page('400 Bad Request') : page('200 OK')));
      });
      const report = await traced(`https://127.0.0.1:${edge.port}/`, { cacert: folder.file('root.crt'), origin: `127.0.0.1:${origin.port}` });
      expect(report.findings[0]?.fault).toBe('edge-fails-origin-healthy');
      expect(report.trace?.origin?.scheme).toBe('http');
    } finally {
      folder.end();
    }
  });
});

describe('the report at a terminal', () => {
  it.each([40, 80, 100])('keeps to %i columns and to one screen', async width => {
    const { port } = await listen(ok, '127.0.0.11');
    await listen(bad, '127.0.0.12', port);
    const addresses = Array.from({ length: 12 }, (_, index) => `127.0.0.${index + 11}`).join(',');
    const report = await traced(`http://shop.test:${port}/cart`, { resolve: [`shop.test:${port}:${addresses}`], count: 2 });
    const rows = renderTerminal(report, { width, colour: false, unicode: true, verbose: false }).trimEnd().split('\n');
    const commands = /^ *(?:badhop|ss|nginx|curl|openssl) /;
    expect(rows.filter(row => row.length > width && !commands.test(row))).toEqual([]);
    if (width >= 80) expect(rows.length).toBeLessThanOrEqual(26);
    expect(rows.join(' ')).toMatch(/10 of 12\s+addresses fail/);
    expect(renderTerminal(report, { width, colour: false, unicode: true, verbose: true })).toContain('Who answered');
  });
});

describe('secrets', () => {
  it('are sent and never shown', async () => {
    let seen = '';
    const secrets = ['tok-9f8e7d6c5b', 'sess-1122334455', 'pass-word-5566', 'query-7788990011'];
    const { port } = await listen(
      answering(request => {
        seen = request;
        return `HTTP/1.1 502 Bad Gateway\r\nX-Echo: ${secrets.join(' ')}\r\nLocation: /?token=${secrets[3]}\r\nContent-Length: ${secrets.join(' ').length}\r\n\r\n${secrets.join(' ')}`;
      }),
    );
    const report = await traced(`http://user:${secrets[2]}@127.0.0.1:${port}/?token=${secrets[3]}`, {
      header: [`X-Auth-Token: ${secrets[0]}`, `Cookie: session=${secrets[1]}`],
    });
    for (const secret of secrets.filter(each => each !== secrets[2])) expect(seen).toContain(secret);
    expect(seen).toContain(`Authorization: Basic ${Buffer.from(`user:${secrets[2]}`).toString('base64')}`);
    const told = JSON.stringify(report);
    for (const secret of secrets) expect(told).not.toContain(secret);
    expect(told).not.toContain(Buffer.from(`user:${secrets[2]}`).toString('base64'));
  });
});

describe('the command line', () => {
  const node = join(root, 'node_modules/.bin/node');
  const run = (...args: string[]): { code: number | null; stdout: string; stderr: string } => {
    const { status, stdout, stderr } = spawnSync(node, [join(root, 'src/cli/bin.ts'), 'trace', ...args], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], LANG: 'C.UTF-8' },
      timeout: 30_000,
    });
    return { code: status, stdout, stderr };
  };

  it('exits 1 with a finding, and prints the report', () => {
    const { code, stdout } = run('http://127.0.0.1:1/');
    expect(code).toBe(1);
    expect(stdout).toContain('FAILING');
    expect(stdout).toContain('port 1');
  });

  it.each([
    [['not a url']],
    [['']],
    [['ftp://shop.example/']],
    [['mailto:root@shop.example']],
    [['https:shop.example']],
    [['https://']],
    [['https:///cart']],
    [['https://shop.example:99999/']],
    [['https://shop.example:0/']],
    [['https://shop.example:http/']],
    [['https://[::1/']],
    [['https://sh op.example/']],
    [['https://shop..example/']],
    [[`https://${'a'.repeat(64)}.example/`]],
    [['https://shop.example/\u001b[31m']],
    [['/etc/passwd']],
    [[`https://shop.example/${'x'.repeat(20_000)}`]],
    [['https://shop.example/', '--resolve', 'nonsense']],
    [['https://shop.example/', '--resolve', 'shop.example:443:not-an-address']],
    [['https://shop.example/', '--origin', '!!']],
    [['https://shop.example/', '--origin', '127.0.0.1:0']],
    [['https://shop.example/', '--resolver', 'dns.example']],
    [['https://shop.example/', '-H', 'no colon']],
    [['https://shop.example/', '-H', 'Bad Name: x']],
    [['https://shop.example/', '-H', 'X: a\r\nY: b']],
    [['https://shop.example/', '-X', 'GET /']],
    [['https://shop.example/', '--count', '0']],
    [['https://shop.example/', '--timeout', 'soon']],
    [['https://shop.example/', '--data', '@/no/such/file']],
    [['https://shop.example/', '--cacert', '/etc/hostname']],
    [['https://shop.example/', '--http1.1', '--http2']],
    [['wss://shop.example/', '-X', 'POST']],
    [['https://shop.example/', 'https://other.example/']],
    [[]],
  ])('refuses %j and says why', async args => {
    const error: unknown = await runProgram(['trace', ...args], '0.0.0').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BadhopError);
    expect((error as BadhopError).code).toBe('usage');
    expect((error as BadhopError).message).not.toMatch(/^$|\n/);
    expect((error as BadhopError).hint).toMatch(/\S/);
  });

  it('exits 2 for a URL that is none, with control characters escaped', () => {
    const { code, stdout, stderr } = run('https://shop.example/\u001b[31m');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^badhop: .+\n.+\n$/);
    expect(stderr).not.toContain('\u001b');
  });
});
