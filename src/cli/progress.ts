import { escapeText } from '../core/reporters/text.ts';

/** One line on stderr that says what is being done, replaced as it changes and erased at the end. */
export interface Progress {
  show(stage: string): void;
  end(): void;
}

/** Shows nothing unless stderr is a terminal that somebody looks at. */
export function createProgress(stderr: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Progress {
  const { write, end } = createStatusLine(stderr, env);
  return { show: stage => write(`badhop: ${stage} ...`), end };
}

/** The same with the text as it is given. */
export function createStatusLine(stderr: NodeJS.WriteStream, env: NodeJS.ProcessEnv): { readonly write: (text: string) => void; readonly end: () => void } {
  const isWatched = stderr.isTTY && env['TERM'] !== 'dumb' && (env['CI'] ?? '') === '';
  if (!isWatched) return { write: () => undefined, end: () => undefined };
  let isShown = false;
  const erase = (): void => {
    if (isShown) stderr.write('\r\u001B[K');
    isShown = false;
  };
  process.once('exit', erase);
  return {
    write(text) {
      const chars = Array.from(escapeText(text, true));
      stderr.write(`\r\u001B[K${chars.slice(0, stderr.columns > 10 ? stderr.columns - 1 : 79).join('')}`);
      isShown = true;
    },
    end() {
      process.removeListener('exit', erase);
      erase();
    },
  };
}
