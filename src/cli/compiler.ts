import { setFlagsFromString } from 'node:v8';

/**
 * V8's optimising compiler works on threads of its own; what it makes of a function pays off where that runs for seconds. Of a log
 * that is read in a fifth of a second it takes a quarter of all processor time. Maglev, the compiler below it, is enough by then:
 * Node 24 has it on, those before it do not, and of later ones nobody knows yet.
 */
const hasMaglev = process.versions.node.startsWith('24.');
/** What runs for longer than this goes on. */
const shortMs = 1500;

let timer: NodeJS.Timeout | undefined;

/** From now on nothing is optimised, until what runs has proven to be long. Called again, that time begins anew. */
export function expectShortWork(): void {
  if (!hasMaglev) return;
  clearTimeout(timer);
  setFlagsFromString('--no-turbofan');
  timer = setTimeout(() => setFlagsFromString('--turbofan'), shortMs).unref();
}
