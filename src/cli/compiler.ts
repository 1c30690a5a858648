import { setFlagsFromString } from 'node:v8';

/**
 * V8's optimising compiler works on threads of its own; what it makes of a function pays off where that runs for seconds. Of a log
 * that is read in a fifth of a second it takes a quarter of all processor time. Maglev, the compiler below it, is enough by then:
 * Node 24 has it on, those before it do not, and of later ones nobody knows yet.
 */
const hasMaglev = process.versions.node.startsWith('24.');

/** From now on nothing more is optimised, for good: what Maglev has compiled meanwhile stays as it is. Only for what ends within a second or two. */
export function expectShortWork(): void {
  if (hasMaglev) setFlagsFromString('--no-turbofan');
}
