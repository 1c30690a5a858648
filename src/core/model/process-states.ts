/** Whether a process does nothing until a signal or a debugger lets it go on, by its state in `/proc/PID/stat`. */
export function isStopped(state: string): boolean {
  return state === 'T' || state === 't';
}
