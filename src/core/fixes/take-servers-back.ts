import { defineFix } from '../model/fix.ts';
import { reloadCommand, testCommand } from '../model/nginx-commands.ts';
import { directivesOf, editSteps } from '../model/nginx-edits.ts';

/** Takes `down` from the servers that listen here; whether those of other hosts are well, a person has to find out. */
export default defineFix({
  id: 'take-servers-back',
  fixes: ['upstream-all-down'],
  plan(finding, facts) {
    const { instance: id, servers } = finding.fixData ?? {};
    const instance = facts['nginx-instances'].state === 'known' ? facts['nginx-instances'].value.find(one => one.id === id) : undefined;
    const config = facts['nginx-config'].state === 'known' ? facts['nginx-config'].value.find(one => one.instanceId === id) : undefined;
    const peers = facts.topology.state === 'known' ? facts.topology.value.peers : [];
    const reload = instance === undefined ? undefined : reloadCommand(instance);
    if (instance === undefined || config === undefined || !Array.isArray(servers)) return undefined;
    const listening = new Set(peers.filter(peer => peer.listeners.length > 0).map(peer => `${peer.origin.path}:${peer.origin.line}`));
    const changes = [...directivesOf(config)].flatMap(({ directive, within }) => {
      const flag = directive.args.find(arg => arg.value === 'down' && arg.quote === '');
      if (directive.name !== 'server' || within.at(-1) !== 'upstream' || flag === undefined || !listening.has(`${directive.path}:${directive.line}`)) return [];
      if (!servers.some((one: { path?: unknown; line?: unknown }) => one.path === directive.path && one.line === directive.line)) return [];
      // The blank before the word goes with it.
      return [{ path: directive.path, start: flag.start - 1, end: flag.end, text: '' }];
    });
    const edits = editSteps([config], changes);
    const isAble = edits.length > 0 && reload !== undefined;
    return {
      id: 'take-servers-back',
      summary: `Take the servers of ${finding.subject.name} back into service`,
      automatic: isAble,
      risk: 'medium',
      minutes: 3,
      steps: isAble
        ? [...edits, { kind: 'command', argv: reload, disruptive: false, why: 'nginx asks these servers again.' }]
        : [
            {
              kind: 'manual',
              text: `Find out why the servers of ${finding.subject.name} were taken out, then remove \`down\` from those that are well.`,
              commands: ['nginx -t && systemctl reload nginx'],
            },
          ],
      validate: [testCommand(instance)],
      verify: `Requests to ${finding.subject.name} are answered, and no new "no live upstreams" is logged.`,
    };
  },
});
