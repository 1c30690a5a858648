/** For a sentence that goes on; a name like `nginx -t` or `DNS` stays as it is. */
export function startLower(text: string): string {
  const second = text.charAt(1);
  return second !== '' && second === second.toLowerCase() ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}
