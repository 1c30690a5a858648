import type { FixPlan } from '../model/finding.ts';

/**
 * Which commands a change may run. Plans are made by badhop's own fixes and the journal belongs to root, so this is the second
 * lock on the door: whatever got into either by mistake or by malice is refused unless it has the form of one of these.
 */

const unitName = /^[\w@.:\\-]+$/;
const absolutePath = /^\/(?!.*(?:^|\/)\.\.(?:\/|$))[^\0-\u001F]*$/;
const userName = /^[a-z_][\w.-]*\$?$/i;
const number = /^\d{1,10}$/;

type Words = readonly string[];

/** Services and their manager. `enable`, `mask` and the like are not among them: they last. */
const systemctl = (words: Words): boolean => {
  const [verb, ...rest] = words;
  if (verb === 'daemon-reload') return rest.length === 0;
  if (verb === 'kill') return rest[0] === '-s' && /^(?:CONT|STOP|HUP|USR2)$/.test(rest[1] ?? '') && rest.length === 3 && isUnit(rest[2]);
  return /^(?:start|stop|restart|reload)$/.test(verb ?? '') && rest.length === 1 && isUnit(rest[0]);
};

const kill = (words: Words): boolean => {
  const [first = '', second = '', ...rest] = words;
  const isShort = /^-(?:HUP|USR2|QUIT|CONT|STOP)$/.test(first);
  const isLong = first === '-s' && /^(?:HUP|USR2|QUIT|CONT|STOP)$/.test(second);
  const pids = isShort ? words.slice(1) : rest;
  return (isShort || isLong) && pids.length > 0 && pids.every(pid => number.test(pid) && Number(pid) > 0);
};

const pm2 = (words: Words): boolean => {
  const [home = '', program, verb = '', name = ''] = words;
  const isHome = home.startsWith('PM2_HOME=') && absolutePath.test(home.slice('PM2_HOME='.length));
  return words.length === 4 && isHome && program === 'pm2' && /^(?:start|stop|restart)$/.test(verb) && isName(name);
};

const forms: Readonly<Record<string, (words: Words) => boolean>> = {
  systemctl,
  kill,
  sysctl: ([flag, setting = '', ...rest]) => flag === '-w' && rest.length === 0 && /^[a-z0-9_]+(?:\.[a-z0-9_-]+)+=[\d\t ]+$/i.test(setting),
  chown: ([who = '', path = '', ...rest]) =>
    rest.length === 0 && who.split(':').every(name => userName.test(name) || number.test(name)) && absolutePath.test(path),
  chmod: ([mode = '', path = '', ...rest]) => rest.length === 0 && /^(?:0?[0-7]{3,4}|[ugo]+[+-][rwx]+)$/.test(mode) && absolutePath.test(path),
  ps: ([flag, columns = '', of, pids = '', ...rest]) => flag === '-o' && /^[\w:,]+$/.test(columns) && of === '-p' && /^[\d,]+$/.test(pids) && rest.length === 0,
  setsebool: ([flag, name = '', value = '', ...rest]) => flag === '-P' && /^\w+$/.test(name) && /^(?:on|off)$/.test(value) && rest.length === 0,
  supervisorctl: words => {
    const rest = words[0] === '-c' && absolutePath.test(words[1] ?? '') ? words.slice(2) : words;
    return rest.length === 2 && /^(?:start|stop|restart)$/.test(rest[0] ?? '') && isName(rest[1] ?? '');
  },
  env: pm2,
  runuser: ([flag, user = '', end, program, ...rest]) => flag === '-u' && userName.test(user) && end === '--' && program === 'env' && pm2(rest),
};

/** A server's own test of its files, or nginx's own signal: `nginx -t -p / -c …`, `/usr/sbin/php-fpm8.2 -t -y …`, `systemd-analyze verify x.service`. */
const server = /^(?:[\w.+-]*(?:nginx|openresty|angie|tengine)[\w.+-]*|php-fpm[\d.]*|apache2?ctl|apachectl|httpd|apache2)$/i;

const nginx = /nginx|openresty|angie|tengine/i;

/** Whether badhop runs this at all. */
export function isKnownCommand(argv: Words): boolean {
  const [program = '', ...words] = argv;
  if (program.includes('/') && !absolutePath.test(program)) return false;
  const name = program.slice(program.lastIndexOf('/') + 1);
  if (argv.length > 64 || argv.some(word => word.includes('\0') || word.length > 4096)) return false;
  const form = Object.hasOwn(forms, name) ? forms[name] : undefined;
  if (form !== undefined) return form(words);
  return isServerTest(name, words) || (server.test(name) && words[0] === '-s' && words[1] === 'reload' && words.length === 2);
}

/** Whether it only looks: it may be run before anything is touched. */
export function isTest(argv: Words): boolean {
  const [program = '', ...words] = argv;
  return isKnownCommand(argv) && isServerTest(program.slice(program.lastIndexOf('/') + 1), words);
}

/** A command that takes up what stands in the files is its own undo, once these are as they were. */
export function isReload([program, first, second]: Words): boolean {
  const isSystemctl = program === 'systemctl' && (first === 'reload' || first === 'daemon-reload' || first === 'restart');
  return isSystemctl || (program === 'kill' && (first === '-HUP' || first === '-USR2')) || (first === '-s' && second === 'reload');
}

/**
 * Whether it only looks, or tells processes to end after their last request: they may have ended by themselves, so it may fail, and there is
 * nothing to take back.
 */
export function mayFail(argv: Words): boolean {
  return argv[0] === 'ps' || isFarewell(argv);
}

/** Whether it tells processes to end, as a server's workers do at SIGQUIT. */
export function isFarewell([program, first, second]: Words): boolean {
  return program === 'kill' && (first === '-QUIT' || (first === '-s' && second === 'QUIT'));
}

/** Whether a plan is taken up by a reload of nginx alone: it has its effect at once, as nothing is started anew. */
export function onlyReloadsNginx({ steps, validate }: Pick<FixPlan, 'steps' | 'validate'>): boolean {
  const commands = steps.flatMap(step => (step.kind === 'command' ? [step.argv] : []));
  const isReloaded = commands.length > 0 && commands.every(argv => (isReload(argv) && argv[1] !== 'restart') || isFarewell(argv));
  return isReloaded && validate.length > 0 && validate.every(([program = '']) => nginx.test(program.slice(program.lastIndexOf('/') + 1)));
}

/** Processes that the command names by their ids. */
export function pidsOf(argv: Words): readonly number[] {
  return argv[0] === 'kill' ? argv.filter(word => number.test(word)).map(Number) : [];
}

function isServerTest(name: string, words: Words): boolean {
  if (name === 'systemd-analyze')
    return words.includes('verify') && words.every(word => word === 'verify' || /^--(?:man|recursive-errors)=no$/.test(word) || isUnit(word));
  return server.test(name) && words[0] === '-t' && !words.includes('-s');
}

function isUnit(word: string | undefined): boolean {
  return word !== undefined && unitName.test(word) && !word.startsWith('-');
}

function isName(word: string): boolean {
  return word !== '' && !word.startsWith('-') && !/[\0-\u001F]/.test(word);
}
