import { Option } from 'commander';
import { stateFolder, type StateFolder } from '../node/apply/state-place.ts';

const usual = '/var/lib/badhop';

/** `--state`, as all commands that change a host have it. */
export function stateOption(): Option {
  return new Option('--state <dir>', `where changes are written down (also: BADHOP_STATE; default: ${usual})`);
}

/** The folder of the option, of BADHOP_STATE, or the usual one. */
export function chooseState(option: string | undefined): StateFolder {
  const fromEnvironment = process.env['BADHOP_STATE'];
  return stateFolder(option ?? (fromEnvironment === undefined || fromEnvironment === '' ? usual : fromEnvironment));
}
