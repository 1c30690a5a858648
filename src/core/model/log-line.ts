/** Variables of an access log that something is concluded from; all others are passed over. */
export const accessVariables = [
  'remote_addr',
  'time_local',
  'time_iso8601',
  'msec',
  'request',
  'request_method',
  'request_uri',
  'uri',
  'status',
  'body_bytes_sent',
  'request_time',
  'host',
  'server_name',
  'http_host',
  'upstream_addr',
  'upstream_status',
  'upstream_connect_time',
  'upstream_header_time',
  'upstream_response_time',
  'upstream_bytes_received',
  'request_completion',
  'http_upgrade',
  'request_length',
  'content_length',
  'http_content_length',
  'bytes_sent',
] as const;

export type AccessVariable = (typeof accessVariables)[number];

/** Place of each variable in the spans of a matched line: its start stands at `2 * index`, its end behind it. */
export const accessIndex: Readonly<Record<AccessVariable, number>> = Object.freeze(
  Object.fromEntries(accessVariables.map((name, index) => [name, index])) as Record<AccessVariable, number>,
);

/** One `log_format`, ready to take lines apart on their bytes. */
export interface LineFormat {
  readonly name: string;
  readonly escape: 'default' | 'json' | 'none';
  /** All its variables in order, without `$`. */
  readonly variables: readonly string[];
  has(variable: AccessVariable): boolean;
  /**
   * Fills `spans` (two places a variable, -1 where the format lacks it) with the byte ranges of the line's values.
   * False when the line was not written with this format.
   */
  match(bytes: Uint8Array, start: number, end: number, spans: Int32Array): boolean;
}
