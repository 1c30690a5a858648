import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { ClientResult, ClientTask } from './client.ts';

/** Sends the requests that a scenario waits for: one process for many of them, because to start Node takes longer than most. */
export interface Browser {
  /** Starts the process where none runs; whoever does it early need not wait for it later. */
  open(): void;
  /** Throws where the process ended before it answered. */
  request(task: ClientTask): Promise<ClientResult>;
  /** Ends the process, so that nobody who looks at the host finds it. The next request starts another. */
  close(): Promise<void>;
}

/** `start` says how the client is started inside the host, with `serve`: its command and the whole environment. */
export function browserOf(start: () => readonly [argv: readonly string[], env: Readonly<Record<string, string>>]): Browser {
  let current: Running | undefined;
  const running = (): Running => (current?.isOver() === false ? current : (current = runningClient(...start())));
  return {
    open: () => void running(),
    request: task => running().ask(task),
    close: async () => {
      await current?.end();
      current = undefined;
    },
  };
}

interface Running {
  isOver(): boolean;
  ask(task: ClientTask): Promise<ClientResult>;
  end(): Promise<void>;
}

interface Asked {
  resolve(result: ClientResult): void;
  reject(error: Error): void;
}

function runningClient([program = '', ...args]: readonly string[], env: Readonly<Record<string, string>>): Running {
  const child: ChildProcessWithoutNullStreams = spawn(program, args, { detached: true, stdio: ['pipe', 'pipe', 'pipe'], env });
  const waiting = new Map<number, Asked>();
  let asked = 0;
  let said = '';
  let complaint = '';
  let isOver = false;
  const closed = new Promise<void>(resolve => {
    const finish = (): void => {
      isOver = true;
      for (const task of waiting.values()) task.reject(new Error(`the client said nothing: ${complaint.slice(-500)}`));
      waiting.clear();
      resolve();
    };
    child.on('error', error => {
      complaint += error.message;
      finish();
    });
    child.on('close', finish);
  });
  child.stdin.on('error', () => {});
  child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString('utf8')).slice(-2000)));
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => {
    const lines = (said + chunk).split('\n');
    said = lines.pop() ?? '';
    for (const line of lines) {
      const { id, result } = JSON.parse(line) as { id: number; result: ClientResult };
      waiting.get(id)?.resolve(result);
      waiting.delete(id);
    }
  });
  const kill = (): void => {
    try {
      // The group: nsenter forks, and a kill of nsenter alone would leave its child running.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended in between.
    }
  };
  return {
    isOver: () => isOver,
    ask: task =>
      new Promise((resolve, reject) => {
        const id = asked++;
        const limitMs = 20_000 + (task.seconds ?? 0) * 1000 + (task.timeoutMs ?? 10_000);
        const timer = setTimeout(kill, limitMs);
        const settle =
          <T>(how: (value: T) => void) =>
          (value: T): void => {
            clearTimeout(timer);
            how(value);
          };
        waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
        child.stdin.write(`${JSON.stringify({ id, task })}\n`);
      }),
    end: async () => {
      child.stdin.end();
      const timer = setTimeout(kill, 1000);
      await closed;
      clearTimeout(timer);
    },
  };
}
