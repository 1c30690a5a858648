/**
 * How many requests came from an address and from its network, for any number of addresses in a fixed amount of memory
 * (count-min sketch, Cormode and Muthukrishnan 2005). A count is never too low: who is said to have sent few did send few.
 */

const cells = 16_384;
const mask = cells - 1;
const dot = 0x2e;
const colon = 0x3a;
const longestAddress = 45;

/** Clients of a log, by address and by network: /24 of IPv4, /48 of IPv6. */
export class ClientCounter {
  /** Lines that name an address. */
  total = 0;
  // Two rows each for addresses and for networks.
  #counts: Uint32Array | undefined;
  readonly #at = new Int32Array(4);

  /** Counts the client of a line; false where it is no address. */
  add(bytes: Uint8Array, start: number, end: number): boolean {
    if (!place(bytes, start, end, this.#at)) return false;
    this.#counts ??= new Uint32Array(4 * cells);
    this.total += 1;
    for (let row = 0; row < 4; row += 1) {
      const cell = row * cells + (this.#at[row] ?? 0);
      this.#counts[cell] = (this.#counts[cell] ?? 0) + 1;
    }
    return true;
  }

  addAll(other: ClientCounter): void {
    this.total += other.total;
    if (other.#counts === undefined) return;
    const counts = (this.#counts ??= new Uint32Array(4 * cells));
    for (const [cell, count] of other.#counts.entries()) counts[cell] = (counts[cell] ?? 0) + count;
  }

  /** Requests of an address, at most. */
  ofClient(address: string): number {
    return this.#least(address, 0);
  }

  /** Requests of a network as `networkOf` names it, at most. */
  ofNetwork(network: string): number {
    return this.#least(network.split('/')[0] ?? '', 2);
  }

  #least(address: string, row: 0 | 2): number {
    const at = new Int32Array(4);
    const bytes = Uint8Array.from(address, char => char.codePointAt(0) ?? 0);
    if (this.#counts === undefined || !place(bytes, 0, bytes.length, at)) return 0;
    return Math.min(this.#counts[row * cells + (at[row] ?? 0)] ?? 0, this.#counts[(row + 1) * cells + (at[row + 1] ?? 0)] ?? 0);
  }
}

/** Whether the text has nothing in it that no address has. What is none is never named in a report. */
export function isAddress(text: string): boolean {
  return text.length <= longestAddress && /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:]*:[0-9a-f:.]*)$/i.test(text);
}

/** `192.0.2.0/24`, `2001:db8:1::/48`. */
export function networkOf(address: string): string | undefined {
  if (!isAddress(address)) return undefined;
  if (!address.includes(':')) return `${address.slice(0, address.lastIndexOf('.'))}.0/24`;
  if (address.includes('.')) return undefined;
  const bytes = Uint8Array.from(address, char => char.codePointAt(0) ?? 0);
  return `${[0, 1, 2].map(index => groupAt(bytes, 0, bytes.length, index).toString(16)).join(':')}::/48`;
}

/** Two cells of the address and two of its network, from one hash each; false for what cannot be an address. */
function place(bytes: Uint8Array, start: number, end: number, at: Int32Array): boolean {
  if (end - start < 2 || end - start > longestAddress) return false;
  let hash = 0x811c9dc5;
  let network = 0;
  let dots = 0;
  let hasColon = false;
  for (let index = start; index < end; index += 1) {
    const byte = bytes[index] ?? 0;
    if (byte === dot) {
      dots += 1;
      if (dots === 3) network = hash;
    } else if (byte < 0x30 || byte > 0x39) {
      if (byte === colon) hasColon = true;
      else if (!isHexLetter(byte)) return false;
    }
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  if (!hasColon && dots !== 3) return false;
  if (dots === 0) {
    for (let group = 0; group < 3; group += 1) network = Math.imul(network ^ groupAt(bytes, start, end, group) ^ (network >>> 15), 0x9e3779b1);
  }
  hash ^= hash >>> 15;
  network ^= network >>> 15;
  at[0] = hash & mask;
  at[1] = (hash >>> 14) & mask;
  at[2] = network & mask;
  at[3] = (network >>> 14) & mask;
  return true;
}

function isHexLetter(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x66) || (byte >= 0x41 && byte <= 0x46);
}

/** One of the first groups of an IPv6 address; those that `::` stands for are zero. */
function groupAt(bytes: Uint8Array, start: number, end: number, wanted: number): number {
  let group = 0;
  let value = 0;
  for (let index = start; index < end; index += 1) {
    const byte = bytes[index] ?? 0;
    if (byte === colon) {
      if (group === wanted) return value;
      if (bytes[index + 1] === colon) return 0;
      group += 1;
      value = 0;
    } else value = (value * 16 + (byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x57)) & 0xffff;
  }
  return group === wanted ? value : 0;
}
