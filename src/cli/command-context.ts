/** What a command is given, and where it leaves its exit code. */
export interface CommandContext {
  readonly version: string;
  finish(code: number): void;
}
