import type { Socket } from 'node:net';
import { createSecureContext, createServer, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from '../src/core/model/finding.ts';
import type { Report } from '../src/core/model/report.ts';
import { schemaProblems } from './report-schema.ts';
import { answering, CertificateFolder, endServers, listen, listenTls, nginxPage, page, traced, type Signed } from './trace-servers.ts';

let folder: CertificateFolder;
let good: Signed;

beforeAll(() => {
  folder = new CertificateFolder();
  folder.authority('root', '/O=Lab/CN=Lab Root');
  folder.authority('between', '/O=Lab/CN=Lab Between', 'root');
  good = folder.leaf('good', ['shop.test', '127.0.0.1'], 'root');
});
afterAll(() => {
  folder.end();
});
afterEach(endServers);

const hello = answering(page('200 OK', 'hello'));

/** A trace of https://shop.test at that port, with the root trusted. */
function ask(port: number, options: Parameters<typeof traced>[1] = {}, name = 'shop.test'): Promise<Report> {
  return traced(`https://${name}:${port}/cart`, { cacert: folder.file('root.crt'), resolve: [`${name}:${port}:127.0.0.1`], ...options });
}

function first(report: Report): Finding {
  const [finding] = report.findings;
  if (finding === undefined) throw new Error(`nothing was found: ${report.summary}`);
  return finding;
}

async function serve(options: Parameters<typeof listenTls>[0]): Promise<number> {
  return (await listenTls(options, hello)).port;
}

describe('a certificate', () => {
  it('of the client that is not that of its key is refused before anything is sent', async () => {
    const { port, count } = await listenTls(good, hello);
    folder.leaf('mine', ['client'], 'root');
    await expect(ask(port, { cert: folder.file('mine.crt'), key: folder.file('good.key') })).rejects.toMatchObject({ code: 'usage' });
    await expect(ask(port, { cert: folder.file('mine.crt'), key: folder.file('mine.crt') })).rejects.toMatchObject({ code: 'usage' });
    expect(count()).toBe(0);
  });

  it('that is good lets the request pass, and is told in full', async () => {
    const report = await ask(await serve({ ...good, ALPNProtocols: ['http/1.1'] }));
    expect(report.findings).toEqual([]);
    expect(report.verdict).toBe('healthy');
    const [tls] = report.trace?.hops[0]?.tls ?? [];
    expect(tls).toMatchObject({
      handshake: 'done',
      verify: 'OK',
      nameMatches: true,
      serverName: 'shop.test',
      protocol: 'TLSv1.3',
      alpn: 'http/1.1',
      withoutServerName: 'the same certificate',
    });
    expect(tls?.versions?.filter(each => each.taken).map(each => each.version)).toEqual(['TLSv1.2', 'TLSv1.3']);
    expect(schemaProblems(report)).toEqual([]);
  });

  it('that has expired', async () => {
    const report = await ask(await serve(folder.leaf('expired', ['shop.test'], 'root', { from: -90, to: -2 })));
    expect(first(report)).toMatchObject({ fault: 'tls-certificate-expired', confidence: 'confirmed', status: 'active' });
    expect(first(report).evidence[0]?.text).toContain('CN=shop.test');
    expect(report.findings).toHaveLength(1);
    expect(report.verdict).toBe('failing');
    expect(report.trace?.hops[0]?.requests[0]?.status).toBeUndefined();
    expect(schemaProblems(report)).toEqual([]);
  });

  it('that has expired and is for another name is told for both', async () => {
    const report = await ask(await serve(folder.leaf('both', ['other.test'], 'root', { from: -90, to: -2 })));
    expect(report.findings.map(({ fault }) => fault).toSorted()).toEqual(['tls-certificate-expired', 'tls-name-mismatch']);
  });

  it('that is not valid yet', async () => {
    const report = await ask(await serve(folder.leaf('early', ['shop.test'], 'root', { from: 2, to: 90 })));
    expect(first(report).fault).toBe('tls-certificate-not-yet-valid');
  });

  it('that expires soon is a risk, and the request is sent', async () => {
    const report = await ask(await serve(folder.leaf('soon', ['shop.test'], 'root', { from: -88, to: 2 })));
    expect(first(report)).toMatchObject({ fault: 'tls-certificate-expires-soon', status: 'latent' });
    expect(report.verdict).toBe('at-risk');
    expect(report.trace?.hops[0]?.requests[0]?.status).toBe(200);
  });

  it('that lives for six days and has four left is no risk', async () => {
    const report = await ask(await serve(folder.leaf('short', ['shop.test'], 'root', { from: -2, to: 4 })));
    expect(report.verdict).toBe('healthy');
  });

  it('that is for another name', async () => {
    const report = await ask(await serve(folder.leaf('other', ['other.test', 'www.other.test'], 'root')));
    expect(first(report)).toMatchObject({ fault: 'tls-name-mismatch', confidence: 'confirmed' });
    expect(first(report).explanation).toContain('www.other.test');
  });

  it('with a wildcard fits one label and not two', async () => {
    const port = await serve(folder.leaf('wild', ['*.shop.test'], 'root'));
    expect((await ask(port, {}, 'www.shop.test')).verdict).toBe('healthy');
    expect(first(await ask(port, {}, 'a.b.shop.test')).fault).toBe('tls-name-mismatch');
  });

  it('that it has signed itself', async () => {
    const report = await ask(await serve(folder.leaf('self', ['shop.test'], undefined)));
    expect(first(report)).toMatchObject({ fault: 'tls-untrusted-issuer', title: 'The certificate is signed by itself' });
  });

  it('from an authority that nobody here trusts', async () => {
    folder.authority('foreign', '/O=Foreign/CN=Some Authority');
    const leaf = folder.leaf('stranger', ['shop.test'], 'foreign');
    const report = await ask(await serve({ key: leaf.key, cert: leaf.cert + folder.read('foreign.crt') }));
    expect(first(report)).toMatchObject({ fault: 'tls-untrusted-issuer', confidence: 'confirmed' });
    expect(first(report).explanation).toContain('Some Authority');
  });

  it('whose chain lacks the authority between', async () => {
    const leaf = folder.leaf('alone', ['shop.test'], 'between');
    const report = await ask(await serve(leaf));
    expect(first(report)).toMatchObject({ fault: 'tls-chain-incomplete', confidence: 'likely' });
    const whole = await ask(await serve({ key: leaf.key, cert: leaf.cert + folder.read('between.crt') }));
    expect(whole.verdict).toBe('healthy');
  });

  it('whose chain lacks the authority between, which says where it can be had', async () => {
    folder.authority('unlike', '/O=Unlike/CN=Another Name', 'root');
    const leaf = folder.leaf('pointed', ['shop.test'], 'unlike', { extra: ['authorityInfoAccess=caIssuers;URI:http://ca.test/unlike.crt'] });
    const report = await ask(await serve(leaf));
    expect(first(report)).toMatchObject({ fault: 'tls-chain-incomplete', confidence: 'confirmed' });
  });

  it('that is not good does not stop --insecure, which tells it all the same', async () => {
    const report = await ask(await serve(folder.leaf('old', ['shop.test'], 'root', { from: -90, to: -2 })), { insecure: true });
    expect(report.trace?.hops[0]?.requests[0]?.status).toBe(200);
    expect(first(report)).toMatchObject({ fault: 'tls-certificate-expired', status: 'latent' });
  });

  it('that is not good keeps secrets from being sent', async () => {
    let seen = '';
    const { port } = await listenTls(folder.leaf('nobody', ['other.test'], 'root'), socket => {
      socket.on('data', chunk => (seen += chunk.toString()));
      hello(socket);
    });
    await ask(port, { header: ['Authorization: Bearer very-secret-token'] });
    expect(seen).toBe('');
  });
});

describe('a handshake', () => {
  it('with a server that speaks old TLS alone', async () => {
    const report = await ask(await serve({ ...good, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }));
    expect(first(report)).toMatchObject({ fault: 'tls-protocol-mismatch', title: 'The server speaks no TLS newer than TLSv1.1' });
    expect(schemaProblems(report)).toEqual([]);
  });

  it('with a server that takes TLS 1.3 alone is well', async () => {
    expect((await ask(await serve({ ...good, minVersion: 'TLSv1.3' }))).verdict).toBe('healthy');
  });

  it('without a server name where one is needed', async () => {
    const options: Parameters<typeof listenTls>[0] = {
      ...good,
      SNICallback: (_name, done) => done(null),
    };
    // A server that refuses whoever sends no name: it looks at the hello itself.
    const strict = await listen(socket => {
      socket.once('data', chunk => {
        if (!chunk.includes('shop.test')) {
          socket.end(Buffer.from([21, 3, 3, 0, 2, 2, 112]));
          return;
        }
        socket.pause();
        socket.unshift(chunk);
        inner.emit('connection', socket);
      });
    });
    const inner = createServer(options, socket => {
      socket.on('error', () => undefined);
      answering(page('200 OK', 'hello'))(socket);
    });
    inner.on('tlsClientError', () => undefined);
    const bare = await traced(`https://127.0.0.1:${strict.port}/`, { cacert: folder.file('root.crt'), header: ['Host: shop.test'] });
    expect(first(bare)).toMatchObject({ fault: 'tls-sni-missing', confidence: 'confirmed' });
    expect((await ask(strict.port)).verdict).toBe('healthy');
    expect(first(await ask(strict.port, { sni: false })).fault).toBe('tls-sni-missing');
  });

  it('without a server name that gets the certificate of another site', async () => {
    const other = folder.leaf('default', ['default.test'], 'root');
    const port = await serve({ ...other, SNICallback: (name, done) => done(null, name === 'shop.test' ? createSecureContext(good) : undefined) });
    expect(first(await ask(port, { sni: false })).fault).toBe('tls-sni-missing');
    const report = await ask(port);
    expect(report.verdict).toBe('healthy');
    expect(report.trace?.hops[0]?.tls[0]?.withoutServerName).toContain('another certificate: CN=default.test');
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('with a server that wants a client certificate, %s', async version => {
    const port = await serve({ ...good, requestCert: true, rejectUnauthorized: true, ca: folder.read('root.crt'), minVersion: version, maxVersion: version });
    expect(first(await ask(port))).toMatchObject({ fault: 'tls-client-certificate-required', confidence: 'confirmed' });
    folder.leaf(`client-${version}`, ['client'], 'root');
    const sent = await ask(port, { cert: folder.file(`client-${version}.crt`), key: folder.file(`client-${version}.key`) });
    expect(sent.verdict).toBe('healthy');
  });

  it('with a server that asks for a certificate and needs none is well', async () => {
    const port = await serve({ ...good, requestCert: true, rejectUnauthorized: false, ca: folder.read('root.crt'), maxVersion: 'TLSv1.2' });
    expect((await ask(port)).verdict).toBe('healthy');
  });

  it('with nginx, which says in its page that it wants a client certificate', async () => {
    const { port } = await listenTls(good, answering(nginxPage('400 No required SSL certificate was sent')));
    const report = await ask(port);
    expect(first(report).fault).toBe('tls-client-certificate-required');
    expect(report.findings).toHaveLength(1);
  });

  it('with a port that speaks plain HTTP', async () => {
    const { port } = await listen(answering(page('400 Bad Request')));
    const socketless = await listen(socket => {
      socket.once('data', () => socket.end(page('400 Bad Request', 'what?')));
    });
    expect(first(await ask(socketless.port))).toMatchObject({ fault: 'tls-to-plaintext', confidence: 'confirmed' });
    const silent = await ask(port);
    expect(first(silent).fault).toMatch(/^tls-handshake-(?:timed-out|failed)$/);
  });

  it('with plain HTTP asked of a port that speaks TLS', async () => {
    const report = await traced(`http://127.0.0.1:${await serve(good)}/`);
    expect(first(report).fault).toMatch(/^(?:plaintext-to-tls|connection-closed|connection-reset)$/);
    const { port } = await listen(answering(nginxPage('400 The plain HTTP request was sent to HTTPS port')));
    expect(first(await traced(`http://127.0.0.1:${port}/`)).fault).toBe('plaintext-to-tls');
    const alert = await listen(socket => {
      socket.once('data', () => socket.end(Buffer.from([21, 3, 1, 0, 2, 2, 10])));
    });
    expect(first(await traced(`http://127.0.0.1:${alert.port}/`)).fault).toBe('plaintext-to-tls');
  });

  it.each([
    ['closes at once', (socket: Socket) => socket.destroy()],
    ['resets', (socket: Socket) => socket.resetAndDestroy()],
    ['never answers', () => undefined],
    ['sends garbage', (socket: Socket) => socket.write(Buffer.alloc(4096, 0x5a))],
    ['sends half a record', (socket: Socket) => socket.end(Buffer.from([22, 3, 3, 0x40, 0, 2, 0]))],
    ['sends a hello that is none', (socket: Socket) => socket.end(Buffer.concat([Buffer.from([22, 3, 3, 0, 64]), Buffer.alloc(64, 1)]))],
    ['answers with SSH', (socket: Socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n')],
  ])('with a server that %s is told and ends', async (_what, behave) => {
    const { port } = await listen(behave);
    const report = await ask(port, { timeout: 800 });
    expect(report.verdict).toBe('failing');
    expect(first(report).fault).toMatch(/^(?:tls-handshake-|protocol-mismatch|connection-reset)/);
    expect(report.durationMs).toBeLessThan(6000);
    expect(schemaProblems(report)).toEqual([]);
  });
});

describe('HTTP/2', () => {
  it('that is offered and broken is told from a server that is', async () => {
    const { port } = await listenTls({ ...good, ALPNProtocols: ['h2', 'http/1.1'] }, socket => {
      if ((socket as TLSSocket).alpnProtocol === 'h2') socket.end('this is no HTTP/2 at all, and long enough to be seen as none');
      else hello(socket);
    });
    expect(first(await ask(port))).toMatchObject({ fault: 'http2-broken', confidence: 'confirmed' });
    expect((await ask(port, { 'http1.1': true })).verdict).toBe('healthy');
  });
});

describe('the origin behind an edge', () => {
  const edgeOf = (): Promise<{ port: number }> => listenTls(good, answering(nginxPage('502 Bad Gateway')));

  it('with a certificate that has expired is told beside the error of the edge', async () => {
    const origin = await serve(folder.leaf('origin-expired', ['shop.test'], 'root', { from: -90, to: -2 }));
    const report = await ask((await edgeOf()).port, { origin: `127.0.0.1:${origin}` });
    const expired = report.findings.find(({ fault }) => fault === 'tls-certificate-expired');
    expect(expired?.title).toMatch(/^At the origin: /);
    expect(expired?.status).toBe('active');
    expect(report.findings.find(({ fault }) => fault === 'error-answer')?.causedBy).toBe('tls-certificate-expired');
    expect(report.trace?.origin?.requests[0]?.status).toBe(200);
    expect(schemaProblems(report)).toEqual([]);
  });

  it('that needs the server name is told, and healthy with it', async () => {
    const other = folder.leaf('origin-default', ['default.test'], 'root');
    const origin = await serve({ ...other, SNICallback: (name, done) => done(null, name === 'shop.test' ? createSecureContext(good) : undefined) });
    const report = await ask((await edgeOf()).port, { origin: `127.0.0.1:${origin}` });
    expect(first(report).fault).toBe('edge-fails-origin-healthy');
    expect(report.findings.find(({ fault }) => fault === 'origin-needs-server-name')).toMatchObject({ advice: true, status: 'latent' });
  });

  it('that is not to be trusted gets no secret', async () => {
    let seen = '';
    const origin = await listenTls(folder.leaf('origin-self', ['shop.test'], undefined), socket => {
      socket.on('data', chunk => (seen += chunk.toString()));
      hello(socket);
    });
    await ask((await edgeOf()).port, { origin: `127.0.0.1:${origin.port}`, header: ['Cookie: session=abcdef'] });
    expect(seen).toBe('');
  });
});
