import { BadhopError, errorTable } from '../core/model/error.ts';
import { escapeText } from '../core/reporters/text.ts';

/** Says on stderr why badhop could not run. The stack is for us, with BADHOP_DEBUG=1. */
export function printError(error: unknown): void {
  process.stderr.write(`${describeError(error, process.env['BADHOP_DEBUG'] === '1')}\n`);
}

function describeError(error: unknown, debug: boolean): string {
  const stack = debug && error instanceof Error ? `\n${stackOf(error)}` : '';
  if (error instanceof BadhopError) return `badhop: ${escapeText(error.message)}\n${error.hint}${stack}`;
  const { title, hint } = errorTable.internal;
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return `badhop: ${title}: ${escapeText(message)}\n${hint}${debug ? stack : ' BADHOP_DEBUG=1 shows where it happened.'}`;
}

function stackOf(error: Error): string {
  const lines = (error.stack ?? error.message).split('\n').map(text => escapeText(text));
  return [...lines, ...(error.cause instanceof Error ? ['caused by', stackOf(error.cause)] : [])].join('\n');
}
