import { createSecureContext, type SecureContext } from 'node:tls';
import type { Address, ByteStream, Host } from '../../core/model/host.ts';
import type { ProbeOutcome, Prober, ProbeRequest } from '../../core/model/probe.ts';
import { askAjp } from './ajp.ts';
import { authorityFiles, isUsableAuthority } from './authority-files.ts';
import { askDns } from './dns.ts';
import { Deadline, withConnection, type Probed } from './exchange.ts';
import { askFastcgi } from './fastcgi.ts';
import { askHttp } from './http.ts';
import { askIdle } from './idle.ts';
import { askTls } from './tls.ts';
import { askUpgrade } from './upgrade.ts';
import { askUwsgi } from './uwsgi.ts';

export interface ProberOptions {
  /** Of badhop, for the User-Agent that tells an administrator who asked. */
  readonly version: string;
}

type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

const maxAuthorityBytes = 8 * 1024 * 1024;

/** Asks questions from the host's viewpoint: one connection each, at most 3 seconds (an idle connection: 11) and 128 KiB. Never throws. */
export function createProber(host: Host, options: ProberOptions): Prober {
  const userAgent = `badhop/${options.version} (+diagnosis)`;
  let authorities: Promise<Buffer | undefined> | undefined;
  const contexts = new Map<string, SecureContext>();
  const contextFor = async (version: TlsVersion | undefined, caFile: string | undefined): Promise<SecureContext> => {
    const given = caFile === undefined ? undefined : await readUsable(host, caFile);
    const ca = given ?? (await (authorities ??= readAuthorities(host)));
    const key = `${version ?? ''} ${caFile ?? ''}`;
    const context =
      contexts.get(key) ??
      createSecureContext({ ...(ca === undefined ? {} : { ca }), ...(version === undefined ? {} : { minVersion: version, maxVersion: version }) });
    contexts.set(key, context);
    return context;
  };

  return async request => {
    const deadline = new Deadline('timeoutMs' in request ? request.timeoutMs : undefined);
    const on = (address: Address, talk: (stream: ByteStream) => Promise<ProbeOutcome>): Promise<Probed> => withConnection(host, address, deadline, talk);
    const ask = async (): Promise<Probed> => {
      switch (request.kind) {
        case 'connect':
          return on(request.address, () => Promise.resolve({ state: 'connected' }));
        case 'http':
          return on(request.address, stream => askHttp(stream, request, userAgent, deadline));
        case 'idle':
          return on(request.address, stream => askIdle(stream, request, userAgent, deadline));
        case 'upgrade': {
          const settings = { userAgent, context: request.tls === undefined ? undefined : await contextFor(undefined, undefined) };
          return on(request.address, stream => askUpgrade(stream, request, settings, deadline));
        }
        case 'tls': {
          const secureContext = await contextFor(request.version, request.caFile);
          return on(request.address, stream => askTls(stream, request, { userAgent, context: secureContext }, deadline));
        }
        case 'fastcgi':
          return on(request.address, stream => askFastcgi(stream, request, deadline));
        case 'uwsgi':
          return on(request.address, stream => askUwsgi(stream, request, deadline));
        case 'ajp':
          return on(request.address, stream => askAjp(stream, deadline));
        case 'dns':
          return on(udp(request), stream => askDns(stream, request, deadline));
      }
    };
    const result = await ask().catch((error: unknown): Probed => ({
      outcome: { state: 'not-asked', why: `badhop's own error: ${String(error).slice(0, 200)}` },
      connectMs: 0,
    }));
    return { request, outcome: result.outcome, connectMs: result.connectMs, ms: deadline.passedMs };
  };
}

/** Resolvers are asked over UDP, however their address was written. */
function udp(request: Extract<ProbeRequest, { kind: 'dns' }>): Address {
  return request.resolver.kind === 'tcp' ? { ...request.resolver, kind: 'udp' } : request.resolver;
}

/** The host's own authorities, by which certificates are judged; Node's stand in where the host has none. */
async function readAuthorities(host: Host): Promise<Buffer | undefined> {
  for (const path of authorityFiles) {
    const ca = await readUsable(host, path);
    if (ca !== undefined) return ca;
  }
  return undefined;
}

async function readUsable(host: Host, path: string): Promise<Buffer | undefined> {
  const file = await host.read(path, { limit: maxAuthorityBytes });
  if (file.state !== 'known') return undefined;
  const ca = Buffer.from(file.value.bytes);
  return isUsableAuthority(ca) ? ca : undefined;
}
