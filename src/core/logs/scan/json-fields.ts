/** Says what is wrong with a text that was made elsewhere. */
export class Malformed extends Error {}

/** A place in a JSON text, and what must stand there. Each reading method throws `Malformed` where it does not. */
export class Field {
  readonly value: unknown;
  readonly #path: string;

  constructor(value: unknown, path: string) {
    this.value = value;
    this.#path = path;
  }

  /** What is not there is undefined. */
  at(key: string | number): Field {
    const { value } = this;
    const isThere = typeof value === 'object' && value !== null && Object.hasOwn(value, key);
    return new Field(isThere ? (value as Readonly<Record<string | number, unknown>>)[key] : undefined, `${this.#path}.${key}`);
  }

  /** A member that may be missing. */
  maybe<T>(key: string, read: (field: Field) => T): T | undefined {
    const field = this.at(key);
    return field.value === undefined ? undefined : read(field);
  }

  list(): readonly Field[] {
    if (!Array.isArray(this.value)) throw this.#malformed('a list');
    return this.value.map((value: unknown, index) => new Field(value, `${this.#path}.${index}`));
  }

  text(): string {
    if (typeof this.value !== 'string') throw this.#malformed('a text');
    return this.value;
  }

  flag(): boolean {
    if (typeof this.value !== 'boolean') throw this.#malformed('true or false');
    return this.value;
  }

  /** A whole number from 0 on. */
  whole(most: number = Number.MAX_SAFE_INTEGER): number {
    const { value } = this;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > most) throw this.#malformed(`a whole number up to ${most}`);
    return value;
  }

  wholes(): readonly number[] {
    return this.list().map(one => one.whole());
  }

  /** Ascending numbers below `end`, which stand here as differences. */
  ascending(end: number): readonly number[] {
    let last = -1;
    return this.list().map((one, index) => {
      const difference = one.whole();
      if (index > 0 && difference === 0) throw this.#malformed('a list of ascending numbers');
      last = index === 0 ? difference : last + difference;
      if (last >= end) throw this.#malformed(`a list of numbers below ${end}`);
      return last;
    });
  }

  /** NaN where null stands. */
  time(): number {
    return this.value === null ? Number.NaN : this.whole();
  }

  oneOf<T extends string>(all: readonly T[]): T {
    const found = all.find(one => one === this.value);
    if (found === undefined) throw this.#malformed(`one of ${all.length} words`);
    return found;
  }

  pick<T>(from: readonly T[]): T {
    const found = from[this.whole()];
    if (found === undefined) throw this.#malformed('the number of a name');
    return found;
  }

  #malformed(what: string): Malformed {
    return new Malformed(`\`${this.#path.slice(1)}\` is not ${what}`);
  }
}

/** The whole of a JSON text. */
export function fieldsOf(text: string): Field {
  try {
    return new Field(JSON.parse(text), '');
  } catch (error) {
    throw new Malformed('it is no JSON', { cause: error });
  }
}
