/** A command of the fingerprints with the URL that was asked in the place of `URL`, as a shell takes it. */
export function fillCommand(command: string, url: string): string {
  return command.replace(/\bURL\b/, () => shellWord(url));
}

/** One word of a shell: quoted where it holds more than plain characters. */
function shellWord(text: string): string {
  return /^[\w./:@%+,=-]+$/.test(text) && !text.startsWith('-') ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
