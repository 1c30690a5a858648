import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { LogsReport } from '../../model/logs-report.ts';
import { renderLogsHtml } from './html.ts';
import { sampleReports } from './logs.fixtures/sample-reports.ts';
import type { PageData } from './page-data.ts';

const samples: readonly (readonly [string, LogsReport])[] = Object.entries(sampleReports);

/** What a browser's tokenizer makes of the page: tags with their attributes, and the text between them. */
interface Parsed {
  readonly tags: readonly { readonly name: string; readonly attributes: Readonly<Record<string, string>> }[];
  /** Of `script` and `style` elements, as they stand. */
  readonly raw: readonly { readonly name: string; readonly type: string; readonly text: string }[];
  readonly text: string;
}

/** Strict where a browser forgives: anything that is no tag of ours, and any tag left open, throws. */
function parse(html: string): Parsed {
  const tags: Parsed['tags'][number][] = [];
  const raw: Parsed['raw'][number][] = [];
  const open: string[] = [];
  let text = '';
  let at = '<!doctype html>'.length;
  expect(html.slice(0, at)).toBe('<!doctype html>');
  while (at < html.length) {
    const next = html.indexOf('<', at);
    const end = next === -1 ? html.length : next;
    text += html.slice(at, end).replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
    if (next === -1) break;
    const tag = /^<(\/?)([a-z][a-z0-9]*)((?: [a-zA-Z][\w-]*(?:="[^"<>]*")?)*)(\/?)>/.exec(html.slice(next, next + 20_000));
    if (!tag) throw new Error(`no tag of ours: ${html.slice(next, next + 80)}`);
    const [whole, slash, name = '', written = '', isClosed] = tag;
    at = next + whole.length;
    if (slash === '/') {
      expect(open.pop()).toBe(name);
      continue;
    }
    const attributes = Object.fromEntries([...written.matchAll(/ ([\w-]+)(?:="([^"]*)")?/g)].map(([, key = '', value = '']) => [key, value]));
    tags.push({ name, attributes });
    if (name === 'script' || name === 'style') {
      const close = html.toLowerCase().indexOf(`</${name}`, at);
      raw.push({ name, type: attributes['type'] ?? '', text: html.slice(at, close) });
      at = close + `</${name}>`.length;
    } else if (name !== 'meta' && isClosed !== '/') open.push(name);
  }
  expect(open).toEqual([]);
  return { tags, raw, text };
}

describe('the page of a report', () => {
  it.each(samples)('%s weighs less than 200 KB', (_, report) => {
    expect(Buffer.byteLength(renderLogsHtml(report))).toBeLessThan(200_000);
  });

  it.each(samples)('%s holds our own elements alone, whatever its log holds', (_, report) => {
    const { tags, raw } = parse(renderLogsHtml(report));
    const names = new Set(tags.map(tag => tag.name));
    for (const name of ['img', 'iframe', 'object', 'embed', 'link', 'a', 'form', 'base']) expect(names.has(name), name).toBe(false);
    const attributes = new Set(tags.flatMap(tag => Object.keys(tag.attributes)));
    expect([...attributes].filter(key => key.startsWith('on') || ['href', 'src', 'style', 'srcset', 'action'].includes(key))).toEqual([]);
    expect(raw.map(({ name, type }) => name + type)).toEqual(
      report.timeline.startsAt === undefined ? ['style'] : ['style', 'scriptapplication/json', 'script'],
    );
  });

  it('allows its own script and style by their hashes, and nothing else', () => {
    const { tags, raw } = parse(renderLogsHtml(sampleReports.failing));
    const policy = tags.find(tag => tag.attributes['http-equiv'] === 'Content-Security-Policy')?.attributes['content'] ?? '';
    const hashOf = (name: string): string => {
      const text = raw.find(each => each.name === name && each.type === '')?.text ?? '';
      return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
    };
    expect(policy).toBe(`default-src 'none'; script-src ${hashOf('script')}; style-src ${hashOf('style')}; base-uri 'none'; form-action 'none'`);
  });

  it('names no address to load anything from', () => {
    const { raw } = parse(renderLogsHtml(sampleReports.failing));
    const code = raw.map(each => each.text).join('\n');
    expect(code).not.toMatch(
      /\bfetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|\bimport\(|@import|url\(|innerHTML|document\.write|\beval\(|insertAdjacentHTML|outerHTML/,
    );
    expect(code.match(/https?:\/\/[\w./-]+/g)).toEqual(['https://github.com/leeoniya/uPlot']);
  });

  it('keeps the licence of the library that it holds', () => {
    const html = renderLogsHtml(sampleReports.failing);
    expect(html).toContain('The MIT License (MIT)');
    expect(html).toContain('Copyright (c) 2022 Leon Sorokin');
  });

  it.each(samples.filter(([, report]) => report.timeline.startsAt !== undefined))('%s carries its numbers as JSON that ends no element', (_, report) => {
    const { raw } = parse(renderLogsHtml(report));
    const json = raw.find(each => each.type === 'application/json')?.text ?? '';
    expect(json).not.toMatch(/[<>&\u2028\u2029\u0000-\u001F\u007F-\u009F]/);
    const data = JSON.parse(json) as PageData;
    expect(data.startMs).toBe(Date.parse(report.timeline.startsAt ?? ''));
    expect(data.failed).toEqual(report.timeline.failed);
    expect(data.byPeer).toHaveLength(report.timeline.byPeer.length);
  });

  it('shows hostile text as text, with what hides or reorders written out', () => {
    const { text } = parse(renderLogsHtml(sampleReports.hostile));
    expect(text).toContain('</script><script>alert(1)</script><img src=x onerror=alert(2)>');
    expect(text).toContain(String.raw`\x1b[2J`);
    expect(text).toContain(String.raw`\u202egnp.exe`);
    expect(text).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u200B-\u200F\u2028-\u202E\u2066-\u2069]/);
    expect(text).toContain('(9,852 characters)');
  });

  it('says all of it without a script too', () => {
    const { text, tags } = parse(renderLogsHtml(sampleReports.failing));
    for (const part of ['07:31:20', '10.0.0.7:8080', 'only POST fails', 'Connection refused', 'badhop diagnose --since 45m', 'peak 36 % at'])
      expect(text).toContain(part);
    expect(tags.filter(tag => tag.name === 'path').every(tag => /^(?:M[\d.]+ 150v-\d+h[\d.]+v\d+z)+$/.test(tag.attributes['d'] ?? ''))).toBe(true);
  });

  it('says how much there is that the page leaves out', () => {
    const { text } = parse(renderLogsHtml(sampleReports.hostile));
    expect(text).toMatch(/and \d+ more problems, all in the JSON report/);
    expect(text).toMatch(/and \d+ more peers/);
  });

  it('joins the steps of a long time line without losing a failure', () => {
    const long = Array.from({ length: 5000 }, (_, index) => index % 7);
    const empty = long.map(() => null);
    const timeline = {
      ...sampleReports.failing.timeline,
      requests: long.map(count => count * 10),
      failed: long,
      errors: long,
      median: empty,
      p95: empty,
      byPeer: [],
      byStatus: [],
    };
    const { raw } = parse(renderLogsHtml({ ...sampleReports.failing, timeline }));
    const data = JSON.parse(raw.find(each => each.type !== '')?.text ?? '') as PageData;
    expect(data.failed.length).toBeLessThanOrEqual(480);
    expect(data.failed.reduce((sum, each) => sum + each, 0)).toBe(long.reduce((sum, each) => sum + each, 0));
    expect(data.widthMs).toBe(timeline.widthMs * 11);
  });
});
