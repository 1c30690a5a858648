import type { AccessGroup, AccessSample, MadeBy } from '../model/facts/logs.ts';
import { BucketCounter, NumberSampler } from './buckets.ts';
import { networkOf } from './clients.ts';
import { Samples } from './fold-errors.ts';
import { HeavyHitters } from './heavy-hitters.ts';
import { SizeCounter } from './sizes.ts';

const mostGroups = 2000;

/** A failing request with its values read. */
export interface FailedRequest {
  readonly path: string;
  readonly status: number;
  readonly method?: string;
  readonly urlTemplate?: string;
  readonly host?: string;
  readonly peer?: string;
  readonly upstreamStatuses?: readonly string[];
  readonly hiddenPeers?: readonly string[];
  readonly upgrade?: true;
  readonly tries: number;
  readonly madeBy: MadeBy;
  readonly because?: string;
  readonly requestTime: number;
  readonly upstreamTime: number;
  readonly client?: string;
  /** Of the request, in bytes. */
  readonly size?: number;
  readonly sample: AccessSample;
}

interface OpenGroup {
  readonly first: FailedRequest;
  readonly isRest: boolean;
  readonly samples: Samples<AccessSample>;
  readonly buckets: BucketCounter;
  readonly requestTime: NumberSampler;
  readonly upstreamTime: NumberSampler;
  readonly clients: HeavyHitters;
  readonly networks: HeavyHitters;
  readonly sizes: SizeCounter<''>;
}

/** Folds requests into groups; what comes after the limit is counted by log, status and maker. */
export class AccessFold {
  readonly #groups = new Map<string, OpenGroup>();
  readonly #maxGroups: number;

  constructor(maxGroups = mostGroups) {
    this.#maxGroups = maxGroups;
  }

  add(request: FailedRequest): void {
    const { path, status, method, urlTemplate, host, peer, upstreamStatuses, hiddenPeers, upgrade, madeBy, because } = request;
    const key = JSON.stringify([path, status, method, urlTemplate, host, peer, upstreamStatuses, hiddenPeers, upgrade, madeBy, because]);
    const group = this.#groups.get(key) ?? this.#open(key, request);
    group.samples.add(request.sample);
    group.buckets.add(request.sample.timeMs);
    group.requestTime.add(request.requestTime);
    group.upstreamTime.add(request.upstreamTime);
    const network = request.client === undefined ? undefined : networkOf(request.client);
    if (request.client !== undefined) group.clients.add(request.client);
    if (network !== undefined) group.networks.add(network);
    if (request.size !== undefined) group.sizes.add('', request.size);
  }

  /** The groups, the largest first. */
  groups(): readonly AccessGroup[] {
    return [...this.#groups.values()].map(toGroup).sort((a, b) => b.count - a.count || a.firstMs - b.firstMs);
  }

  #open(key: string, request: FailedRequest): OpenGroup {
    const isRest = this.#groups.size >= this.#maxGroups;
    const name = isRest ? `rest ${request.path} ${request.status} ${request.madeBy}` : key;
    const known = this.#groups.get(name);
    if (known !== undefined) return known;
    const group: OpenGroup = {
      first: request,
      isRest,
      samples: new Samples(),
      buckets: new BucketCounter(),
      requestTime: new NumberSampler(),
      upstreamTime: new NumberSampler(),
      clients: new HeavyHitters(),
      networks: new HeavyHitters(),
      sizes: new SizeCounter(),
    };
    this.#groups.set(name, group);
    return group;
  }
}

function toGroup({ first, isRest, samples, buckets, requestTime, upstreamTime, clients, networks, sizes }: OpenGroup): AccessGroup {
  const { path, status, tries, madeBy, because, method, urlTemplate, host, peer, upstreamStatuses, hiddenPeers, upgrade } = first;
  const ofRequest = requestTime.summary();
  const ofUpstream = upstreamTime.summary();
  const ofClients = clients.list();
  const ofNetworks = networks.list();
  const ofSizes = sizes.get('');
  const alike = isRest
    ? {}
    : {
        ...(method === undefined ? {} : { method }),
        ...(urlTemplate === undefined ? {} : { urlTemplate }),
        ...(host === undefined ? {} : { host }),
        ...(peer === undefined ? {} : { peer }),
        ...(upstreamStatuses === undefined ? {} : { upstreamStatuses }),
        ...(hiddenPeers === undefined ? {} : { hiddenPeers }),
        ...(upgrade === undefined ? {} : { upgrade }),
      };
  return {
    path,
    status,
    tries,
    madeBy,
    ...alike,
    ...(because === undefined ? {} : { because }),
    count: samples.count,
    firstMs: samples.firstMs,
    lastMs: samples.lastMs,
    buckets: buckets.toBuckets(),
    ...(ofRequest === undefined ? {} : { requestTime: ofRequest }),
    ...(ofUpstream === undefined ? {} : { upstreamTime: ofUpstream }),
    samples: samples.list(),
    ...(ofClients.length === 0 ? {} : { clients: ofClients }),
    ...(ofNetworks.length === 0 ? {} : { networks: ofNetworks }),
    ...(ofSizes === undefined ? {} : { sizes: ofSizes }),
  };
}
