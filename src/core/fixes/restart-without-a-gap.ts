import { defineFix } from '../model/fix.ts';
import { textOf } from '../model/fix-data.ts';

/** A gap at each start is a matter of how the service is deployed: the ways out are named, a person chooses. */
export default defineFix({
  id: 'restart-without-a-gap',
  fixes: ['restart-window'],
  plan(finding) {
    const unit = textOf(finding.fixData, 'unit');
    const name = unit ?? finding.subject.name;
    return {
      id: 'restart-without-a-gap',
      summary: `Start ${name} anew without a time in which nobody listens`,
      automatic: false,
      risk: 'medium',
      minutes: 30,
      steps: [
        {
          kind: 'manual',
          text: `Reload instead of a restart where the server can: php-fpm, gunicorn and uWSGI take up new code with their socket open.`,
          commands: unit === undefined ? [] : [`systemctl show ${unit} -p CanReload`, `systemctl reload ${unit}`],
        },
        {
          kind: 'manual',
          text: 'Let systemd hold the socket (a .socket unit): connections then wait for the new process instead of being refused.',
          commands: [],
        },
        { kind: 'manual', text: 'Give the upstream a second server, and start them anew one after the other; nginx passes on to the other one.', commands: [] },
      ],
      validate: [],
      verify: 'The next deployment under traffic leaves no line in the error log.',
    };
  },
});
