/** For the beginning of a sentence; a name like `nginx` stays as it is. */
export function upperFirst(text: string): string {
  return /^(?:an?|the|what) /.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}
