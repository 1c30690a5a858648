const options = { timeoutMs: 3000, maxBytes: 8_388_608 } as const;

/** Once for both kinds of sockets. */
export const ssListening = { kind: 'exec', argv: ['ss', '-Hltxne'], options } as const;

/** The same with the owners: it follows every open file of every process. */
export const ssWithOwners = { kind: 'exec', argv: ['ss', '-Hltxnpe'], options } as const;
