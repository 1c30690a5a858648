import { ask, defineCollector } from '../model/collector.ts';
import { absent, known, valueOr } from '../model/fact.ts';
import { parseListUnits } from '../parsers/systemctl.ts';
import { outputOf } from './shared/answers.ts';

/** Apart from the units themselves, because it needs nothing: systemd answers while the processes are read. */
export default defineCollector({
  id: 'unit-names',
  title: 'names of the systemd units',
  needs: [],
  *collect() {
    // sd_booted(3): asking a systemctl that has no systemd to talk to costs half a second.
    const [booted] = yield* ask({ kind: 'stat', path: '/run/systemd/system' });
    if (booted.state === 'absent') return known({ loaded: absent('systemd does not run here', 'run on the host itself, where systemd is pid 1'), files: [] });
    // `list-unit-files` reads and links every unit file, which takes a second: the names in the folders are enough.
    const [list, ...folders] = yield* ask(
      { kind: 'exec', argv: ['systemctl', 'list-units', '--all', '--type=service', '--plain', '--no-legend', '--no-pager'], options: { timeoutMs: 3000 } },
      { kind: 'list', path: '/etc/systemd/system' },
      { kind: 'list', path: '/run/systemd/system' },
      { kind: 'list', path: '/run/systemd/generator.late' },
      { kind: 'list', path: '/usr/local/lib/systemd/system' },
      { kind: 'list', path: '/usr/lib/systemd/system' },
      { kind: 'list', path: '/lib/systemd/system' },
    );
    const listed = outputOf(list, 'systemctl', 'run on the host itself, where systemd is pid 1');
    return known({
      loaded: listed.state === 'known' ? known(parseListUnits(listed.value)) : listed,
      files: folders.flatMap(folder => valueOr(folder, [])),
    });
  },
});
