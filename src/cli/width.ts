import { InvalidArgumentError } from 'commander';

/** Reads the value of `--width`. */
export function parseWidth(text: string): number {
  const width = Number(text);
  if (Number.isInteger(width) && width >= 24 && width <= 1000) return width;
  throw new InvalidArgumentError('Give a number of columns from 24 on, such as 80.');
}
