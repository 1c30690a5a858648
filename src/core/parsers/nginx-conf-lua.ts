/**
 * Where the body of a `*_by_lua_block { … }` ends, as lua-nginx-module finds it: braces balance outside of
 * Lua's strings, long brackets and comments (Lua 5.1 reference manual §2.1).
 *
 *     { local s = "}" -- not this }
 *       return [==[ nor } this ]==] }
 */

/** Offset of the `}` that closes the block whose body starts at `from`, or -1. */
export function findLuaBlockEnd(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    switch (text.charAt(at)) {
      case '{':
        depth += 1;
        break;
      case '}':
        if (depth === 0) return at;
        depth -= 1;
        break;
      case '"':
      case "'":
        at = lastOfString(text, at);
        break;
      case '-':
        if (text.charAt(at + 1) === '-') at = lastOfComment(text, at);
        break;
      case '[':
        at = lastOfBracket(text, at);
        break;
      default:
        break;
    }
    if (at < 0) return -1;
  }
  return -1;
}

/** A string ends at its quote, or unfinished at the end of the line. */
function lastOfString(text: string, start: number): number {
  const quote = text.charAt(start);
  let at = start + 1;
  for (; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === quote || character === '\n') return at;
    if (character === '\\') at += 1;
  }
  return at;
}

function lastOfComment(text: string, start: number): number {
  if (text.charAt(start + 2) === '[' && levelAt(text, start + 2) >= 0) return lastOfBracket(text, start + 2);
  const end = text.indexOf('\n', start);
  return end < 0 ? text.length : end;
}

/** `[[`, `[=[` … to the bracket of the same level; a lone `[` is itself. -2 where it is not closed. */
function lastOfBracket(text: string, start: number): number {
  const level = levelAt(text, start);
  if (level < 0) return start;
  const closing = `]${'='.repeat(level)}]`;
  const end = text.indexOf(closing, start + level + 2);
  return end < 0 ? -2 : end + closing.length - 1;
}

/** Number of `=` in an opening long bracket, or -1 where it is none. */
function levelAt(text: string, start: number): number {
  let at = start + 1;
  while (text.charAt(at) === '=') at += 1;
  return text.charAt(at) === '[' ? at - start - 1 : -1;
}
