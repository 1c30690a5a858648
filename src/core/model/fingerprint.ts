/** One answer of a server, as the network half of `badhop trace` hands it in. Everything in it is hostile text. */
export interface ResponseEvidence {
  readonly status: number;
  /** As it came; empty under HTTP/2. */
  readonly reason: string;
  readonly protocol: 'http/0.9' | 'http/1.0' | 'http/1.1' | 'h2' | 'h3';
  /** In the order and case in which they came; a repeated field is repeated. Values are Latin-1, without white space around them. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Its beginning, without transfer and content coding. 64 KiB are more than any error page needs. */
  readonly body: Uint8Array;
  /** How many bytes the whole body has without its codings; absent where it was not read to its end. */
  readonly bodyBytes?: number;
  /** What was asked; `GET` where it is absent. A HEAD has no body, and so no page to know a product by. */
  readonly method?: string;
  /** The address that was connected to, without the port. */
  readonly address?: string;
  /** The chain of CNAMEs that led there, the name that was asked first. */
  readonly names?: readonly string[];
  readonly tls?: {
    readonly protocol?: string;
    readonly alpn?: string;
    /** Of the first certificate: its common name and its alternative names. */
    readonly subjects?: readonly string[];
    readonly issuer?: string;
  };
  /** From the last byte of the request to the first of the answer. */
  readonly firstByteMs?: number;
}

/**
 * `sure`: marks that are this product's own agree, and nothing speaks against them. `likely`: one strong mark. `possible`: a mark
 * that others share, or one that was never seen on the product itself.
 */
export type Certainty = 'sure' | 'likely' | 'possible';

/** Where on the way a product usually stands. */
export type LayerRole = 'cdn' | 'firewall' | 'load-balancer' | 'gateway' | 'platform' | 'cache' | 'web-server' | 'application';

/** A piece of the answer, verbatim and bounded, with what it says. The reporter escapes it. */
export interface Clue {
  readonly part: 'status' | 'header' | 'body' | 'cookie' | 'tls' | 'dns' | 'length';
  readonly text: string;
  /** A clause: `a field that only Cloudflare's edge adds`. */
  readonly says: string;
}

/** One hop that the answer shows. */
export interface Layer {
  /** The id of the product's file: `nginx`, `aws-alb`. `unknown` for a layer that must be there and cannot be named. */
  readonly product: string;
  readonly title: string;
  readonly role: LayerRole;
  /** `answered`: made the status. `passed-on`: relayed what a layer further in made. `seen`: on the way; its part is not known. */
  readonly part: 'answered' | 'passed-on' | 'seen';
  readonly certainty: Certainty;
  readonly version?: string;
  /** What the product itself says of the reason: a Cloudflare error code, Apache's reason, Envoy's flags. Hostile text. */
  readonly detail?: string;
  readonly evidence: readonly Clue[];
}

/** Why the first reading may mislead. */
export interface Trap {
  readonly id:
    | 'page-can-be-copied'
    | 'server-field-removed'
    | 'same-page'
    | 'server-field-of-another'
    | 'page-replaced'
    | 'hidden-layers'
    | 'no-body'
    | 'body-cut'
    | 'order-unknown';
  /** A whole sentence. */
  readonly text: string;
}

/** One of the few that can have made an answer whose bytes do not tell them apart. */
export interface Candidate {
  /** `itself`: the product made it. `behind`: something that the product passes requests to made it; what that is, is not known. */
  readonly place: 'itself' | 'behind';
  /** Id of the product that is meant, or behind which it stands. `unknown` for a program that shows no name. */
  readonly product: string;
  /** Fit for the middle of a sentence: `nginx itself`, `what stands behind nginx`. */
  readonly title: string;
  /** Of `behind`: ids of products that are known to answer so. */
  readonly like: readonly string[];
  /** Why it comes into question. A whole sentence. */
  readonly because: string;
  /** What shows that it was this one: a field of a log, an answer to compare. A whole sentence. */
  readonly tells: string;
  /** The command that shows it, for a person to fill in what stands in capitals. */
  readonly command?: string;
}

/** Who made an answer. One of `answeredBy`, `narrowed` and `cannotTell` is there. */
export interface Attribution {
  /** From the client inwards, as far as the answer shows them. */
  readonly layers: readonly Layer[];
  /** The layer of `layers` that made the status, `sure` or `likely`. */
  readonly answeredBy?: Layer;
  /** Where the bytes leave few: one of them made it, the likeliest first. One alone is a place whose product is not known. */
  readonly narrowed?: {
    /** The candidates, for the beginning of a sentence: `What stands behind nginx, or nginx itself,`. */
    readonly who: string;
    /** Whole sentences. */
    readonly why: string;
    /** One to three. */
    readonly candidates: readonly Candidate[];
  };
  /** Those of `layers` that relayed it, from the client inwards. The innermost of them is the front of the bad hop. */
  readonly passedOnBy: readonly Layer[];
  readonly cannotTell?: {
    /** A whole sentence. */
    readonly why: string;
    /** Who comes into question all the same, the likeliest first; may be empty. */
    readonly candidates: readonly Candidate[];
    /** What would tell it. A whole sentence. */
    readonly how: string;
    readonly command?: string;
  };
  /** Whole sentences: `Cloudflare passed on what nginx answered.` */
  readonly summary: string;
  readonly traps: readonly Trap[];
  readonly proxyStatus: readonly ProxyStatusEntry[];
}

/** The error types of RFC 9209, section 2.3. */
export const proxyErrors = [
  'dns_timeout',
  'dns_error',
  'destination_not_found',
  'destination_unavailable',
  'destination_ip_prohibited',
  'destination_ip_unroutable',
  'connection_refused',
  'connection_terminated',
  'connection_timeout',
  'connection_read_timeout',
  'connection_write_timeout',
  'connection_limit_reached',
  'tls_protocol_error',
  'tls_certificate_error',
  'tls_alert_received',
  'http_request_error',
  'http_request_denied',
  'http_response_incomplete',
  'http_response_header_section_size',
  'http_response_header_size',
  'http_response_body_size',
  'http_response_trailer_section_size',
  'http_response_trailer_size',
  'http_response_transfer_coding',
  'http_response_content_coding',
  'http_response_timeout',
  'http_upgrade_failed',
  'http_protocol_error',
  'proxy_internal_response',
  'proxy_internal_error',
  'proxy_configuration_error',
  'proxy_loop_detected',
] as const;

export type ProxyError = (typeof proxyErrors)[number];

/** One member of a `Proxy-Status` field: one intermediary, in its own words. */
export interface ProxyStatusEntry {
  /** How it calls itself. */
  readonly proxy: string;
  /** As it was sent; it need not be one of the registered types. */
  readonly error?: string;
  readonly isRegistered: boolean;
  readonly nextHop?: string;
  readonly nextProtocol?: string;
  readonly receivedStatus?: number;
  readonly details?: string;
}

/** What a status of a product means. */
export interface Meaning {
  readonly product: string;
  readonly title: string;
  readonly status: number;
  /** What the product says with it. A whole sentence. */
  readonly text: string;
  /** The likeliest first. Empty where nothing is known of this status of this product. */
  readonly causes: readonly MeaningCause[];
}

export interface MeaningCause {
  /** Permanent. */
  readonly id: string;
  /** What is wrong, as a clause with a capital: `Nothing listens on the backend's port`. */
  readonly title: string;
  readonly likelihood: 'common' | 'occasional' | 'rare';
  /** RFC 9209's name for it, where it has one. */
  readonly error?: ProxyError;
  /** What shows that it is this one and not another. A whole sentence. */
  readonly tells?: string;
  /** The next step, as a whole sentence. */
  readonly next: string;
  /** The step as a command, for a person to fill in what stands in capitals. */
  readonly command?: string;
  /** `live`: seen on the product itself. `memory`: nobody has checked it; the reporter calls such a cause possible. */
  readonly basis: 'live' | 'source' | 'doc' | 'field' | 'memory';
  readonly source?: string;
}
