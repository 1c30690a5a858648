/** A gateway that says with such a status that it got no answer speaks of what is behind it. */
export function speaksOfNext(status: number): boolean {
  return status === 502 || status === 504 || (status >= 520 && status <= 530);
}
