import type { PlanStep } from '../scan/plan.ts';

/** `:MM:SS` */
const restOfClock = 6;

/**
 * Whether a line may fit steps, by what has to stand in it one after the other. `text` is of ASCII alone. False only for lines that do not
 * fit: of most formats that a log is not in, that is known before their plan is compiled.
 */
export function mayFit(steps: readonly PlanStep[], text: string): boolean {
  // No walk comes to the next step in front of this place.
  let at = 0;
  for (const step of steps) {
    switch (step.do) {
      case 'literal':
        at = text.indexOf(step.text, at);
        if (at === -1) return false;
        at += step.text.length;
        break;
      case 'field':
      case 'time':
        if (step.do === 'time' && step.form === 'clock') at += step.prefixLength + restOfClock;
        if (step.until === '') return at <= text.length;
        at = text.indexOf(step.until, at);
        if (at === -1) return false;
        break;
      case 'text': {
        const found = step.before === '' ? -1 : text.indexOf(step.before, at);
        at = found === -1 ? text.length : found;
        break;
      }
      case 'maybe':
        break;
      case 'seek':
      case 'rest':
        return true;
    }
  }
  return true;
}
