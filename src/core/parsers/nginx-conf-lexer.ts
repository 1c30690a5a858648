/**
 * The words of an nginx configuration file, by the rules of `ngx_conf_read_token` (nginx 1.0 to 1.31,
 * src/core/ngx_conf_file.c), and of the raw blocks of lua-nginx-module (ngx_http_lua_lex.rl).
 *
 *     server_name "a b" ${x}y;   # three words, then a comment
 *     content_by_lua_block { ngx.say("}") }
 *
 * Quotes, `#` and `\` are special at the start of a word only (`\` everywhere hides the next byte); `{` right
 * after `$` belongs to the word; `}` ends a block only where a word could start.
 */
import { findLuaBlockEnd } from './nginx-conf-lua.ts';

/** Every byte of a file belongs to exactly one piece. */
export type PieceKind = 'bom' | 'space' | 'comment' | 'word' | 'semicolon' | 'open' | 'close' | 'raw';

export interface Piece {
  readonly kind: PieceKind;
  readonly start: number;
  readonly end: number;
  /** 1-based line of its first byte. */
  readonly line: number;
}

/** Walks over the pieces of a file. The fields describe the piece that the last `next()` found. */
export interface Lexer extends Piece {
  /** Goes to the next piece; false at the end of the file. */
  next(): boolean;
  /** Line after the last piece. */
  readonly lineAfter: number;
  /** Bytes looked at so far: the cost, which must grow with the length alone. */
  readonly steps: number;
}

/** nginx reads through a buffer of this size, and no word or comment may fill it (NGX_CONF_BUFFER). */
const longestWord = 4096;

const LF = 10;
const QUOTE = 34;
const HASH = 35;
const DOLLAR = 36;
const APOSTROPHE = 39;
const CLOSE_PAREN = 41;
const SEMICOLON = 59;
const BACKSLASH = 92;
const OPEN = 123;
const CLOSE = 125;

/** A lexer over `text` (one character a byte). `problem` is told what nginx would refuse at the level of words. */
export function createLexer(text: string, problem: (line: number, text: string) => void): Lexer {
  const lexer = { kind: 'space' as PieceKind, start: 0, end: 0, line: 1, lineAfter: 1, steps: 0, next };
  /** Start and end of the first word of the directive that is being read. */
  let nameStart = -1;
  let nameEnd = -1;
  let rawFollows = false;
  /** A closing quote that was once not found is not there for any later opening either. */
  let missing = '';
  return lexer;

  function next(): boolean {
    const start = lexer.end;
    if (start >= text.length) return false;
    lexer.start = start;
    lexer.line = lexer.lineAfter;
    lexer.kind = kindAt(start);
    lexer.end = endOf(lexer.kind, start);
    lexer.steps += lexer.end - start;
    lexer.lineAfter += linesIn(start, lexer.end);
    if (lexer.kind === 'word' && nameStart < 0) [nameStart, nameEnd] = [start, lexer.end];
    if (lexer.kind === 'open') rawFollows = nameStart >= 0 && text.slice(nameStart, nameEnd).endsWith('_by_lua_block');
    if (lexer.kind === 'open' || lexer.kind === 'close' || lexer.kind === 'semicolon') nameStart = -1;
    return true;
  }

  function kindAt(at: number): PieceKind {
    if (rawFollows) return 'raw';
    if (at === 0 && text.startsWith('\u00ef\u00bb\u00bf')) return 'bom';
    const code = text.charCodeAt(at);
    if (isSpace(code)) return 'space';
    if (code === HASH) return 'comment';
    if (code === SEMICOLON) return 'semicolon';
    if (code === OPEN) return 'open';
    if (code === CLOSE) return 'close';
    return 'word';
  }

  function endOf(kind: PieceKind, start: number): number {
    switch (kind) {
      case 'bom':
        problem(1, 'the file starts with a byte order mark, which nginx takes for a part of the first word');
        return 3;
      case 'space':
        return endOfSpace(start);
      case 'comment': {
        const end = text.indexOf('\n', start);
        return checked(start, end < 0 ? text.length : end);
      }
      case 'raw':
        return endOfRaw(start);
      case 'word': {
        const code = text.charCodeAt(start);
        return code === QUOTE || code === APOSTROPHE ? endOfQuoted(start, code) : checked(start, endOfWord(start));
      }
      default:
        return start + 1;
    }
  }

  function endOfSpace(start: number): number {
    let at = start + 1;
    while (at < text.length && isSpace(text.charCodeAt(at))) at += 1;
    return at;
  }

  function endOfWord(start: number): number {
    let inVariable = false;
    let at = start;
    for (; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code === OPEN && inVariable) continue;
      if (at > start && (isSpace(code) || code === SEMICOLON || code === OPEN)) return at;
      inVariable = code === DOLLAR;
      if (code === BACKSLASH) at += 1;
    }
    return Math.min(at, text.length);
  }

  function endOfQuoted(start: number, quote: number): number {
    const mark = String.fromCharCode(quote);
    if (!missing.includes(mark)) {
      for (let at = start + 1; at < text.length; at += 1) {
        const code = text.charCodeAt(at);
        if (code === BACKSLASH) at += 1;
        else if (code === quote) return afterQuote(checked(start + 1, at) + 1);
      }
      lexer.steps += text.length - start;
      missing += mark;
    }
    problem(lexer.line, `no closing ${mark} for the word that starts here`);
    // What follows the line is read on, as far as that makes sense: the mark was most likely meant to close in this line.
    const end = text.indexOf('\n', start);
    return end < 0 ? text.length : end;
  }

  function afterQuote(end: number): number {
    if (end < text.length) {
      const code = text.charCodeAt(end);
      if (!isSpace(code) && code !== SEMICOLON && code !== OPEN && code !== CLOSE_PAREN)
        problem(lexer.line + linesIn(lexer.start, end), `unexpected "${text.charAt(end)}" after a closing quote`);
    }
    return end;
  }

  function linesIn(start: number, end: number): number {
    let lines = 0;
    for (let at = start; at < end; at += 1) if (text.charCodeAt(at) === LF) lines += 1;
    return lines;
  }

  function endOfRaw(start: number): number {
    rawFollows = false;
    const end = findLuaBlockEnd(text, start);
    if (end < 0) problem(lexer.line, 'no closing "}" for the Lua block that starts here');
    return end < 0 ? text.length : end;
  }

  function checked(start: number, end: number): number {
    if (end - start >= longestWord) problem(lexer.line, `a word or comment of ${end - start} bytes starts here; nginx takes fewer than ${longestWord}`);
    return end;
  }
}

/** All pieces of a file, in order, without gap or overlap. For edits and tests; parsing needs no list of them. */
export function nginxConfPieces(text: string): readonly Piece[] {
  const lexer = createLexer(text, () => undefined);
  const pieces: Piece[] = [];
  while (lexer.next()) {
    // An empty Lua block has an empty body, which covers no byte.
    if (lexer.end > lexer.start) pieces.push({ kind: lexer.kind, start: lexer.start, end: lexer.end, line: lexer.line });
  }
  return pieces;
}

function isSpace(code: number): boolean {
  return code === 32 || code === LF || code === 13 || code === 9;
}
