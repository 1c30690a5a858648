import { defineFix } from '../model/fix.ts';

/** A socket whose file is gone or was replaced is made anew when its service starts. */
export default defineFix({
  id: 'recreate-socket',
  fixes: ['socket-missing', 'socket-stale'],
  plan(finding, facts) {
    const { unit, path } = finding.fixData ?? {};
    if (typeof unit !== 'string' || typeof path !== 'string') return undefined;
    const units = facts['systemd-units'].state === 'known' ? facts['systemd-units'].value : [];
    const socketUnit = units.find(one => one.name === unit)?.triggeredBy?.find(name => name.endsWith('.socket'));
    const why = `${unit} makes ${path} anew when it starts; a reload would keep the lost socket. Its requests under way are cut off.`;
    const restart = { kind: 'command', argv: ['systemctl', 'restart', unit], disruptive: true, why } as const;
    // systemd itself holds the socket of a socket unit, and refuses its restart while the service runs.
    const steps =
      socketUnit === undefined
        ? [restart]
        : [
            {
              kind: 'command',
              argv: ['systemctl', 'stop', unit],
              undo: ['systemctl', 'start', unit],
              disruptive: true,
              why: `${socketUnit} can only be restarted while ${unit} is stopped.`,
            } as const,
            { kind: 'command', argv: ['systemctl', 'restart', socketUnit], disruptive: true, why: `${socketUnit} makes ${path} anew.` } as const,
            { kind: 'command', argv: ['systemctl', 'start', unit], disruptive: false, why: `brings ${unit} back` } as const,
          ];
    return {
      id: 'recreate-socket',
      summary: `Restart ${unit}, which makes ${path} anew`,
      automatic: true,
      risk: 'medium',
      minutes: 1,
      steps,
      validate: [],
      verify: `${path} is there, and connections to it are taken.`,
    };
  },
});
