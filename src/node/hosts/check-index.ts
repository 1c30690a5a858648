import { BadhopError } from '../../core/model/error.ts';
import { bundleFormat, bundleVersion, type BundleAnswer, type BundleEntry, type BundleIndex } from './bundle-format.ts';

const rawFile = /^raw\/[A-Za-z0-9._-]{1,200}$/;
const maxEntries = 500_000;

type Fields = Readonly<Record<string, unknown>>;

/** Checks all of an index that came from somebody else. Throws BadhopError `bundle-unreadable` naming the place. */
export function checkIndex(value: unknown, where: string): BundleIndex {
  const fail = (what: string): never => {
    throw new BadhopError('bundle-unreadable', `${where}: ${what}`);
  };
  const root = isFields(value) ? value : fail('is not an object');
  if (root['format'] !== bundleFormat) fail(`is not the index of a badhop bundle`);
  if (root['version'] !== bundleVersion) fail(`has version ${brief(root['version'])}; this badhop reads version ${bundleVersion}`);
  const tool = isFields(root['tool']) ? root['tool'] : fail('"tool" is missing');
  const host = isFields(root['host']) ? root['host'] : fail('"host" is missing');
  const clock = isFields(root['clock']) ? root['clock'] : fail('"clock" is missing');
  if (!isString(tool['name']) || !isString(tool['version']) || !isString(host['name'])) fail('"tool" or "host" is wrong');
  if (!isNumber(clock['nowMs']) || Math.abs(clock['nowMs']) > 8.64e15 || !isString(clock['zone']) || !isNumber(clock['offsetMinutes']))
    fail('"clock" is wrong');
  if (clock['bootMs'] !== undefined && !isNumber(clock['bootMs'])) fail('"clock" is wrong');
  if (root['windowMs'] !== undefined && !(isNumber(root['windowMs']) && root['windowMs'] > 0)) fail('"windowMs" is wrong');
  const entries = Array.isArray(root['entries']) ? (root['entries'] as unknown[]) : fail('"entries" is missing');
  if (entries.length > maxEntries) fail(`holds ${entries.length} entries; ${maxEntries} is the limit`);
  for (const [index, entry] of entries.entries()) if (!isEntry(entry)) fail(`entry ${index} is wrong: ${brief(entry)}`);
  // Every field that is used was checked above.
  return root as unknown as BundleIndex;
}

function isEntry(value: unknown): value is BundleEntry {
  if (!isFields(value) || !isString(value['key'])) return false;
  const answers = value['answers'];
  return Array.isArray(answers) && answers.length > 0 && answers.every(isAnswer);
}

function isAnswer(value: unknown): value is BundleAnswer {
  if (!isFields(value)) return false;
  if (value['problems'] !== undefined && !isStrings(value['problems'])) return false;
  switch (value['state']) {
    case 'absent':
    case 'denied':
    case 'timeout':
    case 'unparsable':
      return isString(value['why']) && (value['how'] === undefined || isString(value['how']));
    case 'exec':
      return isText(value['stdout']) && isText(value['stderr']) && isNumber(value['code']) && isBoolean(value['truncated']);
    case 'read':
      return isText(value['bytes']) && isNumber(value['size']) && value['size'] >= 0 && isBoolean(value['atEnd']);
    case 'stat':
      return isStat(value['stat']);
    case 'list':
      return isStrings(value['names']);
    case 'owners':
      return isBoolean(value['isWhole']) && Array.isArray(value['owners']) && value['owners'].every(isOwner);
    case 'probe':
      return isProbeResult(value['result']);
    default:
      return false;
  }
}

/** A text, or a file right under `raw/`: no other path can be said. */
function isText(value: unknown): boolean {
  if (!isFields(value)) return false;
  if (isString(value['text'])) return true;
  return isString(value['file']) && rawFile.test(value['file']) && !/^raw\/\.+$/.test(value['file']);
}

function isStat(value: unknown): boolean {
  if (!isFields(value)) return false;
  const kinds: readonly unknown[] = ['file', 'directory', 'socket', 'fifo', 'device', 'link', 'other'];
  const numbers = ['size', 'mode', 'uid', 'gid', 'inode', 'modifiedMs', 'changedMs'];
  const links = [value['target'], value['realPath']];
  return kinds.includes(value['kind']) && numbers.every(name => isNumber(value[name])) && links.every(link => link === undefined || isString(link));
}

function isOwner(value: unknown): boolean {
  return isFields(value) && isNumber(value['inode']) && Array.isArray(value['pids']) && value['pids'].every(isNumber);
}

function isProbeResult(value: unknown): boolean {
  if (!isFields(value) || !isNumber(value['ms']) || !isNumber(value['connectMs'])) return false;
  return isOutcome(value['outcome']);
}

function isOutcome(value: unknown): boolean {
  if (!isFields(value)) return false;
  switch (value['state']) {
    case 'not-asked':
      return isString(value['why']);
    case 'connect-failed':
      return isString(value['code']);
    case 'closed':
      return value['how'] === 'end' || value['how'] === 'reset';
    case 'connect-timeout':
    case 'connected':
    case 'no-answer':
      return true;
    case 'answered':
      return isString(value['speaks']) && isProbeAnswer(value['answer']);
    default:
      return false;
  }
}

function isProbeAnswer(value: unknown): boolean {
  if (!isFields(value) || !isBoolean(value['complete'])) return false;
  const texts = [value['head'], value['stderr'], value['body'], value['cut']];
  const numbers = [value['status'], value['headerBytes']];
  if (!texts.every(item => item === undefined || isString(item)) || !numbers.every(item => item === undefined || isNumber(item))) return false;
  const headers = value['headers'];
  if (headers !== undefined && !(Array.isArray(headers) && headers.every(pair => isStrings(pair) && pair.length === 2))) return false;
  const idle = value['idle'];
  if (idle !== undefined && !(isFields(idle) && ['closed', 'reset', 'open', 'not-kept'].includes(String(idle['ended'])) && isNumber(idle['ms']))) return false;
  const dns = value['dns'];
  if (dns !== undefined && !(isFields(dns) && isString(dns['rcode']) && isStrings(dns['addresses']))) return false;
  return value['tls'] === undefined || isTlsAnswer(value['tls']);
}

function isTlsAnswer(value: unknown): boolean {
  if (!isFields(value) || (value['handshake'] !== 'done' && value['handshake'] !== 'failed')) return false;
  const texts = ['protocol', 'error', 'verify', 'subject', 'issuer', 'validFrom', 'validTo'];
  if (!texts.every(name => value[name] === undefined || isString(value[name]))) return false;
  const requested = value['clientCertificateRequested'];
  return (value['names'] === undefined || isStrings(value['names'])) && (requested === undefined || isBoolean(requested));
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isString);
}

function brief(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value).slice(0, 120);
}
