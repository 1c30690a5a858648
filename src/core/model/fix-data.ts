type Data = Readonly<Record<string, unknown>> | undefined;

/** A text that a finding left for its fix. */
export function textOf(data: Data, name: string): string | undefined {
  const value = data?.[name];
  return typeof value === 'string' ? value : undefined;
}

/** A number that a finding left for its fix. */
export function numberOf(data: Data, name: string): number | undefined {
  const value = data?.[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
