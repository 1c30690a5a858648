import { nodeBinary } from '../host.ts';
import type { LabHost } from '../host.ts';
import { waitForListener } from './listening.ts';
import { runtimeDirectory, startUnit } from './unit.ts';

export interface NodeOptions {
  readonly name: string;
  readonly unit?: string;
  /** A CommonJS program; `nodeHttp` writes one. */
  readonly code: string;
  /** Where it will listen: the start waits for it. The program reads it from process.argv[2]. */
  readonly listen: string;
  readonly user?: string;
  readonly service?: Readonly<Record<string, string>>;
}

/** A Node program in /srv/NAME under a unit of its own. */
export async function nodeApp(host: LabHost, options: NodeOptions): Promise<void> {
  const { name, unit = `${name}.service`, code, listen, user = 'www-data', service = {} } = options;
  await host.write(`/srv/${name}/server.cjs`, code);
  await startUnit(host, {
    unit,
    description: `${name} (Node)`,
    exec: `${nodeBinary()} /srv/${name}/server.cjs ${listen}`,
    user,
    workdir: `/srv/${name}`,
    service: { ...runtimeDirectory([listen]), ...service },
  });
  await waitForListener(host, listen);
}

/** A program with an HTTP server; `handler` is the body of `(request, response) => {…}` and `setup` stands before the listen with `server` in reach. */
export function nodeHttp(handler = "response.end('ok\\n');", setup = ''): string {
  return `const { createServer } = require('node:http');
const server = createServer((request, response) => { ${handler} });
${setup}
const address = process.argv[2].replace(/^unix:/, '');
const at = address.lastIndexOf(':');
if (address.startsWith('/')) server.listen(address);
else server.listen(Number(address.slice(at + 1)), at < 0 ? undefined : address.slice(0, at).replace(/[[\\]]/g, ''));
`;
}

/** The same over TLS; `options` are the lines of an object for `https.createServer`: `maxVersion: 'TLSv1.2',`. */
export function nodeHttps(files: { readonly certificate: string; readonly key: string }, options = '', handler = "response.end('ok\\n');"): string {
  return `const { createServer } = require('node:https');
const { readFileSync } = require('node:fs');
const tls = { key: readFileSync('${files.key}'), cert: readFileSync('${files.certificate}'), ${options} };
const server = createServer(tls, (request, response) => { ${handler} });
server.on('tlsClientError', () => {});
const address = process.argv[2];
const at = address.lastIndexOf(':');
server.listen(Number(address.slice(at + 1)), address.slice(0, at).replace(/[[\\]]/g, ''));
`;
}
