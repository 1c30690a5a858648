import { defineFix } from '../model/fix.ts';
import type { FixStep } from '../model/finding.ts';

/** Which of two programs keeps an address is a person's decision: the commands for either are printed. */
export default defineFix({
  id: 'free-the-port',
  fixes: ['nginx-port-conflict'],
  plan(finding) {
    const { address, owner, messageId, pid, holderUnit, port } = finding.fixData ?? {};
    if (typeof address !== 'string' || typeof owner !== 'string') return undefined;
    const look = typeof port === 'number' ? [`ss -ltnp 'sport = :${port}'`] : [`ss -lxnp`];
    const start = owner.endsWith('.service') ? [`systemctl start ${owner}`] : ['nginx -t', 'systemctl reload nginx'];
    const stop =
      typeof holderUnit === 'string' && holderUnit.endsWith('.service')
        ? [`systemctl disable --now ${holderUnit}`]
        : typeof pid === 'number'
          ? [`kill -QUIT ${pid}`]
          : [];
    const steps: FixStep[] =
      messageId === 'was-taken'
        ? [{ kind: 'manual', text: `Start ${owner} again: nobody has ${address} any more.`, commands: start }]
        : messageId === 'old-nginx'
          ? [
              {
                kind: 'manual',
                text: 'End the nginx outside the unit and start the unit at once; clients are refused for that moment.',
                commands: [...look, [...stop, ...start].join(' && ')],
              },
            ]
          : [
              { kind: 'manual', text: `See who has ${address}.`, commands: look },
              { kind: 'manual', text: 'Either end the program that has it, if it should not run here,', commands: [...stop, ...start] },
              { kind: 'manual', text: 'or give it, or nginx, another port in its configuration.', commands: start },
            ];
    return {
      id: 'free-the-port',
      summary: `Decide who gets ${address}`,
      automatic: false,
      risk: 'medium',
      minutes: 10,
      steps,
      validate: [['nginx', '-t']],
      verify: `${owner} is active, and \`ss -ltnp\` shows nginx on ${address}.`,
    };
  },
});
