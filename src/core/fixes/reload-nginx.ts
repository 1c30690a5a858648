import { defineFix } from '../model/fix.ts';
import { reloadCommand, shellLine, testCommand } from '../model/nginx-commands.ts';

/** Makes the running nginx load the configuration on disk; the marks on its upstream servers are gone afterwards. */
export default defineFix({
  id: 'reload-nginx',
  fixes: ['nginx-config-not-reloaded', 'no-live-upstreams'],
  plan(finding, facts) {
    const { instance: id, held } = finding.fixData ?? {};
    // Servers that still fail would be marked again at once.
    if (finding.fault === 'no-live-upstreams' && held !== true) return undefined;
    const instance = facts['nginx-instances'].state === 'known' ? facts['nginx-instances'].value.find(one => one.id === id) : undefined;
    const reload = instance === undefined ? undefined : reloadCommand(instance);
    if (instance === undefined || reload === undefined) return undefined;
    const test = facts['nginx-config-test'].state === 'known' ? facts['nginx-config-test'].value.find(one => one.instanceId === id) : undefined;
    const isInvalid = test !== undefined && !test.ok && !test.denied;
    if (isInvalid) return undefined;
    return {
      id: 'reload-nginx',
      summary: 'Reload nginx',
      automatic: true,
      risk: 'low',
      minutes: 1,
      steps: [
        {
          kind: 'command',
          argv: reload,
          disruptive: false,
          why: `nginx loads ${instance.configPath} as it is on disk; requests that are under way are finished by the old workers.`,
        },
      ],
      validate: [testCommand(instance)],
      verify: `The workers started after the reload (ps -o lstart,cmd -C nginx), no new line in the error log names ${finding.subject.name}, and requests are answered. Before: ${shellLine(testCommand(instance))}`,
    };
  },
});
