import { describe } from 'vitest';
import { plantInNginx } from './testing.ts';

/** What is planted differs from seed to seed in its rates, sizes and times. In two files, which are run beside each other. */
describe.each(Array.from({ length: 10 }, (_, index) => index + 11))('planted by seed %i', seed => {
  plantInNginx(seed);
});
