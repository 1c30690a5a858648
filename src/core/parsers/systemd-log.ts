/**
 * What systemd says about a unit in the journal. Source: systemd 252 src/core/service.c, unit.c, job.c. Samples:
 *
 *   api.service: Main process exited, code=killed, status=9/KILL
 *   api.service: Deactivated successfully.
 *   api.service: Scheduled restart job, restart counter is at 3.
 *   api.service: A process of this unit has been killed by the OOM killer.
 *   Started api.service - The API.
 */
import { backendLine, numberAfter } from './backend-line.ts';
import type { BackendLine } from './backend-line.ts';

/** What one line with the identifier `systemd` says about the service as a whole. */
export function parseSystemdLine(text: string): BackendLine | undefined {
  if (text.includes('has been killed by the OOM killer')) return backendLine('out-of-memory');
  if (text.includes(': Main process exited, code=killed, status=') || text.includes(': Main process exited, code=dumped, status=')) {
    return backendLine('worker-signal', { signal: numberAfter(text, 'status=') });
  }
  if (text.includes(': Main process exited, code=exited, status=')) return backendLine('worker-exit');
  if (text.includes(': Start request repeated too quickly') || text.includes(': Failed to execute ') || text.includes(': Failed at step '))
    return backendLine('boot-failed');
  if (text.includes(": Failed with result 'start-limit-hit'") || text.includes(": Failed with result 'timeout'")) return backendLine('boot-failed');
  if (text.includes('.service: Deactivated successfully') || text.includes('.service: Succeeded')) return backendLine('ended');
  if (text.includes(': Scheduled restart job, restart counter is at ')) return backendLine('restarting');
  if (text.startsWith('Started ')) return backendLine('started');
  if (text.startsWith('Stopped ')) return backendLine('stopped');
  return undefined;
}
