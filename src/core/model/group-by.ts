/** Items by key, keys and items in the order in which they come. What has no key is left out. */
export function groupBy<T>(items: readonly T[], key: (item: T) => string | undefined): Map<string, T[]> {
  const map = new Map<string, T[]>();
  for (const item of items) {
    const name = key(item);
    if (name === undefined) continue;
    const same = map.get(name);
    if (same === undefined) map.set(name, [item]);
    else same.push(item);
  }
  return map;
}
