import { join } from 'node:path';
import { REPOSITORY, nodeBinary, type LabHost } from '../host.ts';
import { stageFaults, stagePorts, stageProducts, type StageFault, type StageProduct } from './stage.ts';

/** What one request got, as the program inside the host says it. */
export type RawAnswer =
  | { readonly error: string }
  | {
      readonly status: number;
      readonly reason: string;
      readonly protocol: string;
      readonly headers: readonly (readonly [string, string])[];
      /** Latin-1. */
      readonly body: string;
    };

export type RecordedFault = StageFault | 'spent' | 'fcgi-hanging' | 'fcgi-503' | 'fcgi-bare' | 'custom' | 'file' | 'emptied' | 'intercepted';

/** One request through the stage: the products on its way from the client inwards, and what is behind the last of them. */
export interface StageRequest {
  readonly chain: readonly [StageProduct, ...StageProduct[]];
  readonly fault: RecordedFault;
}

export interface StageAnswer extends StageRequest {
  readonly answer: Exclude<RawAnswer, { error: string }>;
}

/** What not all products do: nginx beyond its request limit and Caddy without a server left answer 503, Apache to FastCGI 504. */
const own: Readonly<Record<StageProduct, readonly RecordedFault[]>> = {
  nginx: ['spent', 'fcgi-503', 'fcgi-bare', 'custom', 'file', 'emptied', 'intercepted'],
  apache: ['fcgi-hanging', 'fcgi-503', 'fcgi-bare', 'custom', 'file', 'emptied', 'intercepted'],
  haproxy: ['custom', 'emptied'],
  caddy: ['spent', 'fcgi-503', 'fcgi-bare', 'custom', 'file'],
  varnish: ['custom', 'emptied'],
};

/** What differs only by the way in which a backend breaks is asked once for each product, not again for each pair. */
const alone: ReadonlySet<RecordedFault> = new Set(['reset', 'no-http', 'big-header']);

/** Each product alone and each pair, with every fault. */
export function stageRequests(): StageRequest[] {
  const chains = stageProducts.flatMap(inner => [[inner] as const, ...stageProducts.map(outer => [outer, inner] as const)]);
  return chains.flatMap(chain => {
    const last = chain.at(-1) ?? chain[0];
    return [...stageFaults, ...own[last]].filter(fault => chain.length === 1 || !alone.has(fault)).map(fault => ({ chain, fault }));
  });
}

/** Three deep, with what shows most: asked in the lab, and not recorded. */
export function deepRequests(): StageRequest[] {
  const faults = ['refused', 'hanging', 'app-502', 'app-503', 'plain-502', 'bare-502'] as const;
  return stageProducts.flatMap(outer =>
    stageProducts.flatMap(middle => stageProducts.flatMap(inner => faults.map(fault => ({ chain: [outer, middle, inner] as const, fault })))),
  );
}

/** Asks for all of them. What a client gets no answer to (nginx passes on what is no HTTP at all) is left out. */
export async function askStage(host: LabHost, requests: readonly StageRequest[]): Promise<StageAnswer[]> {
  const first = ['nginx', 'caddy'] as const;
  // The first request of a minute is let through, and the first failure marks the only server down.
  await send(
    host,
    first.map(product => urlOf({ chain: [product], fault: 'spent' })),
  );
  const answers = await send(host, requests.map(urlOf));
  return requests.flatMap((request, index) => {
    const answer = answers[index];
    return answer === undefined || 'error' in answer ? [] : [{ ...request, answer }];
  });
}

/** What to ask for, on the host of the stage. */
export function urlOf({ chain, fault }: StageRequest): string {
  const [outer, ...inner] = chain;
  return `http://127.0.0.1:${stagePorts[outer]}/${[...inner, fault].join('/')}/`;
}

async function send(host: LabHost, urls: readonly string[]): Promise<RawAnswer[]> {
  const program = join(REPOSITORY, 'lab/answers/ask.mjs');
  return JSON.parse(await host.run([nodeBinary(), program], { input: JSON.stringify(urls), timeoutMs: 120_000 })) as RawAnswer[];
}
