/**
 * nginx configuration files (grammar of `ngx_conf_parse`, nginx 1.0 to 1.31): text to a tree with byte ranges.
 *
 *     http {
 *         upstream app { server 127.0.0.1:8000 max_fails=3; }
 *     }
 *
 * Lossless: the pieces (see nginx-conf-lexer.ts) cover every byte, and every range of the tree falls on their
 * bounds, so that an edit replaces whole words and leaves all other bytes as they are.
 */
import type { ConfigDirective, ConfigProblem, ConfigToken } from '../model/facts/nginx.ts';
import { createLexer, nginxConfPieces, type Lexer } from './nginx-conf-lexer.ts';
import { textFromLatin1 } from './latin1.ts';

export interface ParsedNginxConf {
  readonly directives: readonly ConfigDirective[];
  readonly problems: readonly ConfigProblem[];
  /** Words read; what `maxWords` counts. */
  readonly words: number;
  /** Bytes looked at: the cost. */
  readonly steps: number;
}

/** Bytes to put in place of the range from `start` to `end`; an insertion where they are equal. */
export interface ConfEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Deeper blocks are passed over, so that whoever walks the tree may recurse. nginx's own nesting stays below 20. */
export const maxConfDepth = 100;
const maxProblems = 100;
const defaultMaxWords = 1_000_000;

interface OpenDirective {
  readonly name: ConfigToken;
  readonly line: number;
  readonly args: ConfigToken[];
  readonly block: ConfigDirective[];
  raw?: string;
}

/** Parses one file. `text` holds one character a byte. Total: what nginx would refuse becomes a problem, and reading goes on. */
export function parseNginxConf(text: string, path: string, options: { readonly maxWords?: number } = {}): ParsedNginxConf {
  const problems: ConfigProblem[] = [];
  const lexer = createLexer(text, problem);
  const top: ConfigDirective[] = [];
  const open: OpenDirective[] = [];
  const maxWords = options.maxWords ?? defaultMaxWords;
  let pending: OpenDirective | undefined;
  /** Blocks open below the deepest that is kept. */
  let passedOver = 0;
  let words = 0;

  while (lexer.next()) {
    switch (lexer.kind) {
      case 'word':
        words += 1;
        takeWord();
        break;
      case 'raw':
        takeRaw();
        break;
      case 'open':
        openBlock();
        break;
      case 'semicolon':
        if (pending !== undefined) finish(pending, lexer.end, false);
        else problem(lexer.line, 'unexpected ";"');
        break;
      case 'close':
        closeBlock();
        break;
      default:
        break;
    }
    if (words > maxWords) {
      problem(lexer.line, `more than ${maxWords} words; what follows was not read`);
      break;
    }
  }
  endOfFile(words > maxWords);
  return { directives: top, problems, words, steps: lexer.steps };

  function problem(line: number, message: string): void {
    if (problems.length < maxProblems) problems.push({ path, line, text: message });
    else if (problems.length === maxProblems) problems.push({ path, line, text: 'more problems follow, which are not listed' });
  }

  function takeWord(): void {
    const token = tokenOf(text, lexer);
    if (pending === undefined) pending = { name: token, line: lexer.line, args: [], block: [] };
    else pending.args.push(token);
  }

  function takeRaw(): void {
    const block = open.at(-1);
    if (passedOver === 0 && block !== undefined) block.raw = text.slice(lexer.start, lexer.end);
  }

  function openBlock(): void {
    if (pending === undefined) problem(lexer.line, 'unexpected "{"');
    const directive = pending ?? { name: { value: '', quote: '', start: lexer.start, end: lexer.start }, line: lexer.line, args: [], block: [] };
    pending = undefined;
    if (open.length < maxConfDepth) {
      open.push(directive);
      return;
    }
    if (passedOver === 0) problem(lexer.line, `blocks inside more than ${maxConfDepth} others; they were not read`);
    passedOver += 1;
  }

  function closeBlock(): void {
    if (pending !== undefined) {
      problem(lexer.line, `unexpected "}": the directive "${shown(pending.name.value)}" before it is not terminated by ";"`);
      finish(pending, lexer.start, false);
    }
    if (passedOver > 0) {
      passedOver -= 1;
      return;
    }
    const block = open.pop();
    if (block === undefined) problem(lexer.line, 'unexpected "}"');
    else finish(block, lexer.end, true);
  }

  function finish(directive: OpenDirective, end: number, isBlock: boolean): void {
    if (directive === pending) pending = undefined;
    if (passedOver > 0) return;
    const parent = open.at(-1)?.block ?? top;
    parent.push({
      name: directive.name.value,
      args: directive.args,
      ...(isBlock && directive.raw === undefined ? { block: directive.block } : {}),
      ...(directive.raw === undefined ? {} : { raw: directive.raw }),
      path,
      line: directive.line,
      start: directive.name.start,
      end,
    });
  }

  function endOfFile(cut: boolean): void {
    const expected = pending !== undefined ? '";" or "}"' : '"}"';
    if (!cut && (pending !== undefined || open.length > 0 || passedOver > 0)) {
      const block = open.at(-1);
      const since = block === undefined ? '' : `; the block "${shown(block.name.value)}" of line ${block.line} is open`;
      // The parameters of -g are called so in nginx's own message.
      problem(lexer.lineAfter, `unexpected end of ${path === '-g' ? 'parameter' : 'file'}, expecting ${expected}${since}`);
    }
    if (pending !== undefined) finish(pending, lexer.end, false);
    passedOver = 0;
    for (let block = open.pop(); block !== undefined; block = open.pop()) finish(block, lexer.end, true);
  }
}

/**
 * The file with `edits` in it, all other bytes as they were; without edits the file itself, put together from
 * its pieces. Undefined where an edit overlaps another, lies outside, or would cut a word or comment in two.
 */
export function printNginxConf(text: string, edits: readonly ConfEdit[] = []): string | undefined {
  const sorted = edits.toSorted((a, b) => a.start - b.start || a.end - b.end);
  const cuts = sorted.flatMap(edit => [edit.start, edit.end]);
  // The cuts must rise from edit to edit, and none may lie inside a piece other than blanks.
  if (cuts.some((cut, i) => cut < (cuts[i - 1] ?? 0) || cut > text.length)) return undefined;
  const parts: string[] = [];
  let edit = 0;
  let kept = 0;
  let cut = 0;
  for (const piece of nginxConfPieces(text)) {
    for (; cut < cuts.length && (cuts[cut] ?? 0) < piece.end; cut += 1) if (piece.kind !== 'space' && (cuts[cut] ?? 0) > piece.start) return undefined;
    for (let next = sorted[edit]; next !== undefined && next.start < piece.end; next = sorted[edit]) {
      parts.push(text.slice(kept, next.start), next.text);
      kept = next.end;
      edit += 1;
    }
    if (kept < piece.end) {
      parts.push(text.slice(Math.max(kept, piece.start), piece.end));
      kept = piece.end;
    }
  }
  return (
    parts.join('') +
    sorted
      .slice(edit)
      .map(rest => rest.text)
      .join('')
  );
}

/** A value as one word of a configuration file, quoted where it must be. Give it UTF-8 bytes, one character each. */
export function quoteConfWord(value: string): string {
  const plain = value !== '' && !/[\s;{}"'\\#]/u.test(value);
  return plain ? value : `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** A word as nginx understands it: without quotes, `\"` `\'` `\\` `\t` `\r` `\n` replaced, other backslashes kept. */
function tokenOf(text: string, piece: Lexer): ConfigToken {
  const { start, end } = piece;
  const first = text.charAt(start);
  const quote = first === '"' || first === "'" ? first : '';
  const closed = quote !== '' && end - start > 1 && text.charAt(end - 1) === quote;
  const bare = text.slice(start + quote.length, closed ? end - 1 : end);
  return { value: textFromLatin1(bare.includes('\\') ? unescape(bare) : bare), quote, start, end };
}

const escapes: Readonly<Record<string, string>> = { '"': '"', "'": "'", '\\': '\\', t: '\t', r: '\r', n: '\n' };

function unescape(text: string): string {
  return text.replace(/\\["'\\trn]/gu, pair => escapes[pair.charAt(1)] ?? pair);
}

function shown(name: string): string {
  return name.length > 64 ? `${name.slice(0, 64)}…` : name;
}
