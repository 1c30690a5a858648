import { defineFix } from '../model/fix.ts';

/** Somebody wrote the rule on purpose: it is shown with the commands, and never removed by badhop. */
export default defineFix({
  id: 'review-firewall-rule',
  fixes: ['firewall-reject', 'firewall-drop'],
  plan(finding) {
    const { commands, rule, address } = finding.fixData ?? {};
    if (!Array.isArray(commands) || typeof address !== 'string') return undefined;
    return {
      id: 'review-firewall-rule',
      summary:
        typeof rule === 'string' ? `Find out what the rule is for, then let nginx through to ${address}` : `Look at the firewall of the host of ${address}`,
      automatic: false,
      risk: 'medium',
      minutes: 10,
      steps: [
        {
          kind: 'manual',
          text:
            typeof rule === 'string'
              ? `The rule is "${rule}". Where a tool manages the rules (ufw, firewalld, a deployment), change it there, or the rule comes back.`
              : `Nothing on this host refuses the packets: look on the other one.`,
          commands: commands.filter(command => typeof command === 'string'),
        },
      ],
      validate: [],
      verify: `A connection to ${address} is taken, and the requests through nginx succeed.`,
    };
  },
});
