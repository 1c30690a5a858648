import type { FixPlan } from '../model/finding.ts';
import type { PoolVerdict, SizedLimit, SizedPool, SizedRoom, SizeReport, SizeVerdict } from '../model/size-report.ts';
import { inMebibytes } from '../model/worker-capacity.ts';
import { planFacts, stepLines } from './finding-lines.ts';
import { line, render, styled, type Line, type Look, type Style } from './layout.ts';
import type { TerminalOptions } from './terminal.ts';
import { formatWindow, plural, readableSource, reason, sentence } from './wording.ts';

const narrowest = 24;
const widest = 100;
/** Steps of one plan, and lines of one diff, that stand there without --verbose. */
const shownSteps = 4;
const shownRows = 6;

const verdicts: Readonly<Record<SizeVerdict, { readonly mark: string; readonly word: string; readonly style: Style }>> = {
  fits: { mark: '✓', word: 'FITS', style: 'good' },
  change: { mark: '!', word: 'CHANGE', style: 'warn' },
  unknown: { mark: '?', word: 'CANNOT TELL', style: 'warn' },
};

const marks: Readonly<Record<PoolVerdict, { readonly mark: string; readonly word: string; readonly style: Style }>> = {
  fits: { mark: '✓', word: 'fits', style: 'good' },
  'too-small': { mark: '✗', word: 'too small', style: 'bad' },
  'too-large': { mark: '✗', word: 'too large for the memory', style: 'bad' },
  'memory-bound': { mark: '✗', word: 'short of memory', style: 'bad' },
  'cpu-bound': { mark: '✗', word: 'short of processors', style: 'bad' },
  idle: { mark: '?', word: 'idle', style: 'warn' },
  unknown: { mark: '?', word: 'cannot tell', style: 'warn' },
};

/** A sizing for a person at a terminal. Ends with a newline. */
export function renderSizing(report: SizeReport, options: TerminalOptions): string {
  const look: Look = { ...options, width: Math.min(widest, Math.max(narrowest, Math.floor(options.width))) };
  const { verbose } = options;
  const lines = [
    ...headLines(report),
    ...memoryLines(report),
    ...report.pools.flatMap(pool => poolLines(pool, verbose)),
    ...limitLines(report, verbose),
    ...notCheckedLines(report, verbose),
  ];
  return `${render(lines, look)}\n`;
}

function headLines({ tool, host, window, verdict, summary }: SizeReport): Line[] {
  const { mark, word, style } = verdicts[verdict];
  const name = host.name === 'local' || host.name === host.hostname ? host.hostname : `${host.hostname || 'unknown host'} [${host.name}]`;
  return [
    line(0, styled('quiet', `badhop ${tool.version} · size of ${name} · ${plural(host.cpus, 'processor')} · ${formatWindow(window)}`), { hang: 2, maxRows: 3 }),
    line(0, [styled(style, `${mark} ${word}`), '  ', styled('strong', sentence(summary))], { hang: 2, maxRows: 6 }),
  ];
}

function memoryLines({ memory }: SizeReport): Line[] {
  if (memory === undefined) return [];
  const { swapTotalBytes, swapUsedBytes, rooms } = memory;
  const swap = swapTotalBytes === 0 ? 'no swap' : `${inMebibytes(swapUsedBytes)} of ${inMebibytes(swapTotalBytes)} swap used, none of it counted on`;
  const own = rooms.some(room => room.kind === 'host')
    ? []
    : [line(2, `this host: ${inMebibytes(memory.availableBytes)} of ${inMebibytes(memory.totalBytes)} available`)];
  return [line(0, ''), line(0, [styled('strong', 'Memory'), styled('quiet', ` (${swap})`)], { hang: 2 }), ...own, ...rooms.map(roomLine)];
}

function roomLine({ kind, totalBytes, availableBytes, reserveBytes, workersBytes, fullBytes, pools, source }: SizedRoom): Line {
  const what = kind === 'host' ? 'this host' : readableSource(source);
  const text = `${inMebibytes(availableBytes)} of ${inMebibytes(totalBytes)} available, ${inMebibytes(reserveBytes)} kept in reserve; ${plural(pools.length, 'pool')} ${pools.length === 1 ? 'holds' : 'hold'} ${inMebibytes(workersBytes)}, at ${pools.length === 1 ? 'its limit' : 'their limits'} ${inMebibytes(fullBytes)}`;
  return line(2, `${what}: ${text}`, { hang: 4, maxRows: 5 });
}

function poolLines(pool: SizedPool, verbose: boolean): Line[] {
  const { mark, word, style } = marks[pool.verdict];
  const isChange = pool.recommended !== undefined && pool.recommended !== pool.now?.value;
  const now = pool.now === undefined ? `${pool.setting} not known` : `${pool.setting} = ${pool.now.value}`;
  const next = isChange ? [' → ', styled('strong', String(pool.recommended))] : [];
  const memory =
    pool.memory === undefined
      ? []
      : [
          line(
            2,
            `${plural(pool.running, pool.setting === 'maxThreads' ? 'thread' : 'worker')} running, ${inMebibytes(pool.memory.meanBytes)} each now (${pool.memory.how} of ${pool.memory.measured}), ${inMebibytes(pool.memory.inWorkBytes)} at work and ${inMebibytes(pool.memory.largestBytes)} the largest`,
            { hang: 4, maxRows: 3 },
          ),
        ];
  const isPlain = pool.verdict === 'fits' && !verbose;
  return [
    line(0, ''),
    line(0, [styled(style, `${mark} ${pool.name}`), `: ${now}`, ...next, styled(style, `  ${word}`)], { hang: 2, maxRows: 3 }),
    line(2, pool.because, { hang: 4, maxRows: 6 }),
    ...(pool.now === undefined ? [] : [line(2, styled('quiet', `set by ${readableSource(pool.now.source)}`), { hang: 4, maxRows: 2 })]),
    ...memory,
    ...(isPlain ? pool.sums.slice(0, 2) : pool.sums).map(text => line(2, text, { hang: 4, maxRows: 5 })),
    ...pool.plans.slice(0, verbose ? undefined : 1).flatMap(plan => planLines(plan, verbose)),
  ];
}

function planLines(plan: FixPlan, verbose: boolean): Line[] {
  const steps = verbose ? plan.steps : plan.steps.slice(0, shownSteps);
  const left = plan.steps.length - steps.length;
  return [
    line(2, [styled('strong', 'Plan: '), plan.summary, styled('quiet', ` (${planFacts(plan)})`)], { hang: 4, maxRows: 3 }),
    ...steps.flatMap(step => stepLines(step, 4, verbose ? undefined : shownRows)),
    ...(left > 0 ? [line(4, styled('quiet', `${plural(left, 'more step')} with --verbose`))] : []),
    ...(verbose ? [line(4, styled('quiet', `Then: ${sentence(plan.verify)}`), { hang: 6, maxRows: 3 })] : []),
  ];
}

/** What is too small or unknown, and in one row how many are not; with `verbose` all of them. */
function limitLines({ limits }: SizeReport, verbose: boolean): Line[] {
  const told = verbose ? limits : limits.filter(limit => limit.verdict !== 'fits');
  const fitting = limits.filter(limit => limit.verdict === 'fits');
  const names = [...new Set(fitting.map(limit => limit.id))].join(', ');
  return [
    ...told.flatMap(limit => limitLine(limit, verbose)),
    ...(fitting.length > 0 && !verbose
      ? [
          line(0, ''),
          line(0, [styled('good', '✓ '), `${plural(fitting.length, 'more limit')} fit${fitting.length === 1 ? 's' : ''}: ${names}`], { hang: 2, maxRows: 2 }),
        ]
      : []),
  ];
}

function limitLine(limit: SizedLimit, verbose: boolean): Line[] {
  const { mark, word, style } = marks[limit.verdict];
  const isChange = limit.recommended !== undefined && limit.recommended !== limit.now;
  const next = isChange ? [' → ', styled('strong', String(limit.recommended))] : [];
  return [
    line(0, ''),
    line(0, [styled(style, `${mark} ${limit.id}`), ` of ${limit.name} = ${limit.now}`, ...next, styled(style, `  ${word}`)], { hang: 2, maxRows: 3 }),
    line(2, limit.because, { hang: 4, maxRows: 4 }),
    ...limit.sums.map(text => line(2, text, { hang: 4, maxRows: 3 })),
    ...limit.plans.slice(0, verbose ? undefined : 1).flatMap(plan => planLines(plan, verbose)),
  ];
}

function notCheckedLines({ notChecked, internalErrors }: SizeReport, verbose: boolean): Line[] {
  const shown = verbose ? notChecked : notChecked.slice(0, 3);
  const left = notChecked.length - shown.length;
  return [
    ...(shown.length === 0 ? [] : [line(0, ''), line(0, styled('strong', 'Not known'))]),
    ...shown.map(each => line(2, `${each.what}: ${reason(each)}`, { hang: 4, maxRows: 3 })),
    ...(left > 0 ? [line(2, styled('quiet', `${left} more with --verbose`))] : []),
    ...internalErrors.map(text => line(0, styled('warn', `badhop's own error: ${text}`), { hang: 2, maxRows: 2 })),
  ];
}
