import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { certificate, certificateAuthority } from '../servers/certificates.ts';
import { nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttps } from '../servers/node.ts';

const SITE = '/etc/nginx/sites-enabled/shop.conf';
async function setUp(host: LabHost, options = ''): Promise<void> {
  const files = await certificate(host, { file: 'api', names: ['api.shop.test'], folder: '/srv/api-tls' });
  await host.run(['chown', 'www-data', files.key]);
  await nodeApp(host, { name: 'api', code: nodeHttps(files, options), listen: '127.0.0.1:6443' });
  await nginxSite(host, {
    name: 'shop',
    http: 'upstream api.shop.test { server 127.0.0.1:6443; }',
    server: 'location / {\n    proxy_ssl_server_name on;\n    proxy_ssl_protocols TLSv1.2 TLSv1.3;\n    proxy_pass https://api.shop.test;\n}',
    log: 'timed',
  });
  await startNginx(host);
}

export default [
  defineScenario({
    name: 'tls-sni-missing',
    title: 'The backend refuses handshakes without a server name, and nginx was told to send none',
    kind: 'fault',
    fault: 'tls-sni-missing',
    setUp: host => setUp(host),
    breakIt: async host => {
      await host.write('/srv/api/strict.py', STRICT);
      await host.runService('front.service', ['/usr/bin/python3', '/srv/api/strict.py']);
      await replaceIn(host, SITE, '127.0.0.1:6443', '127.0.0.1:7443');
      await replaceIn(host, SITE, 'proxy_ssl_server_name on;', 'proxy_ssl_server_name off;');
      await reloadNginx(host);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      notFindings: ['tls-protocol-mismatch', 'tls-client-certificate-required'],
    },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'tls-sni-missing-other-certificate',
    title: 'Without a server name the backend shows the certificate of another house, and nginx was told to send none',
    kind: 'fault',
    fault: 'tls-sni-missing',
    setUp: async host => {
      const ca = await certificateAuthority(host, { folder: '/etc/nginx/ca' });
      const other = await certificate(host, { file: 'other', names: ['other.test'], ca, folder: '/srv/desk-tls' });
      const desk = await certificate(host, { file: 'desk', names: ['desk.test'], ca, folder: '/srv/desk-tls' });
      await host.run(['chown', '-R', 'www-data', '/srv/desk-tls']);
      const context = `require('node:tls').createSecureContext({ key: readFileSync('${desk.key}'), cert: readFileSync('${desk.certificate}') })`;
      const code = nodeHttps(other, `SNICallback: (name, done) => done(null, name === 'desk.test' ? ${context} : undefined),`);
      await nodeApp(host, { name: 'desk', code, listen: '127.0.0.1:6471' });
      await nginxSite(host, {
        name: 'shop',
        server: `proxy_ssl_verify on;\nproxy_ssl_trusted_certificate ${ca.certificate};\nproxy_ssl_session_reuse off;\nproxy_ssl_name desk.test;\nproxy_ssl_server_name on;\nlocation / { proxy_pass https://127.0.0.1:6471; }`,
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, SITE, 'proxy_ssl_server_name on;', '');
      await reloadNginx(host);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      check: ({ findings }) => (JSON.stringify(findings[0]?.fixes).includes('other.test') ? ['a plan makes nginx accept another house'] : []),
    },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'tls-sni-missing-twin-version',
    title: 'The same server accepts TLS 1.3 alone, which nginx does not offer; the name makes no difference',
    kind: 'twin',
    fault: 'tls-protocol-mismatch',
    twinOf: 'tls-sni-missing',
    setUp: host => setUp(host, "minVersion: 'TLSv1.3',"),
    breakIt: async host => {
      await replaceIn(host, SITE, 'proxy_ssl_server_name on;', 'proxy_ssl_server_name off;');
      await replaceIn(host, SITE, 'TLSv1.2 TLSv1.3', 'TLSv1.2');
      await reloadNginx(host);
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
  }),
];

/** Stands before the server, reads the first bytes, and answers a hello without the name with alert 112 (unrecognized_name). */
const STRICT = `import socket, threading

server = socket.create_server(("127.0.0.1", 7443), backlog=64)


def pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    target.close()


def serve(client):
    hello = client.recv(65536)
    if b"api.shop.test" not in hello:
        client.sendall(bytes([21, 3, 3, 0, 2, 2, 112]))
        client.close()
        return
    upstream = socket.create_connection(("127.0.0.1", 6443))
    upstream.sendall(hello)
    threading.Thread(target=pump, args=(upstream, client), daemon=True).start()
    pump(client, upstream)


while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
`;
