/** TLS records up to 1.2 in the clear (RFC 5246 §6.2, §7.4), as far as a probe must read them. */
const handshakeRecord = 22;
const serverHello = 2;
const certificateRequest = 13;
const serverHelloDone = 14;

/** Whether a TLS 1.2 server asks for a client certificate; undefined when its hello is not whole. */
export function asksForCertificate(bytes: Buffer): boolean | undefined {
  const messages: Buffer[] = [];
  for (let at = 0; at + 5 <= bytes.length && bytes[at] === handshakeRecord;) {
    const length = bytes.readUInt16BE(at + 3);
    messages.push(bytes.subarray(at + 5, at + 5 + length));
    at += 5 + length;
  }
  const all = Buffer.concat(messages);
  if (all[0] !== serverHello) return undefined;
  for (let at = 0; at + 4 <= all.length; at += 4 + all.readUIntBE(at + 1, 3)) {
    if (all[at] === certificateRequest) return true;
    if (all[at] === serverHelloDone) return false;
  }
  return undefined;
}
