import { defineFix } from '../model/fix.ts';
import { testCommand } from '../model/nginx-commands.ts';

/** Starts the unit of an nginx that is not running, once its configuration passes the test. */
export default defineFix({
  id: 'start-nginx',
  fixes: ['nginx-down'],
  plan(finding, facts) {
    const { instance: id, unit } = finding.fixData ?? {};
    const instance = facts['nginx-instances'].state === 'known' ? facts['nginx-instances'].value.find(one => one.id === id) : undefined;
    const test = facts['nginx-config-test'].state === 'known' ? facts['nginx-config-test'].value.find(one => one.instanceId === id) : undefined;
    if (instance === undefined || (test !== undefined && !test.ok && !test.denied)) return undefined;
    const hasUnit = typeof unit === 'string';
    return {
      id: 'start-nginx',
      summary: hasUnit ? `Start ${unit}` : 'Start nginx',
      automatic: hasUnit,
      risk: 'low',
      minutes: 1,
      steps: hasUnit
        ? [
            {
              kind: 'command',
              argv: ['systemctl', 'start', unit],
              undo: ['systemctl', 'stop', unit],
              disruptive: false,
              why: 'Nobody answers on its ports now.',
            },
          ]
        : [{ kind: 'manual', text: 'Start nginx the way this host does it.', commands: [`${instance.binary} -c ${instance.configPath}`] }],
      validate: [testCommand(instance)],
      verify: hasUnit ? `systemctl is-active ${unit} says active, and a request is answered.` : 'A request is answered.',
    };
  },
});
