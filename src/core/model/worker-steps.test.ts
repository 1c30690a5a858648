import { describe, expect, it } from 'vitest';
import type { Service, Sourced } from './facts/backend.ts';
import { apacheSteps, pumaSteps, tomcatSteps } from './worker-steps.ts';

const service: Service = {
  id: 'x',
  kind: 'apache',
  name: 'x',
  unit: 'web.service',
  workerPids: [1],
  listening: [],
  configuredListen: [],
  configFiles: [],
  logFiles: [],
};
const at = (value: string, line: number, text: string): Sourced<string> => ({ value, source: `file:/f:${line}`, text });
const argv = (value: string): Sourced<string> => ({ value, source: 'argv of 1' });
const edits = (plan: ReturnType<typeof apacheSteps>) => plan?.steps.flatMap(step => (step.kind === 'edit' ? [[step.line, step.after]] : []));
const command = (plan: ReturnType<typeof apacheSteps>) => plan?.steps.flatMap(step => (step.kind === 'command' ? [step.argv.join(' ')] : []));

describe('Apache', () => {
  const prefork = { mpm: argv('prefork'), maxrequestworkers: at('150', 5, '\tMaxRequestWorkers\t  150') };

  it('gets more processes by a reload', () => {
    const plan = apacheSteps(service, prefork, 220);
    expect(plan).toMatchObject({ name: 'MaxRequestWorkers', from: 150, to: 220, validate: [['apachectl', '-t']] });
    expect(edits(plan)).toEqual([[5, '\tMaxRequestWorkers\t  220']]);
    expect(command(plan)).toEqual(['systemctl reload web.service']);
  });

  it('is told a ServerLimit where that would cut it, and restarted', () => {
    const plan = apacheSteps(service, prefork, 300);
    expect(edits(plan)).toEqual([[5, '\tServerLimit 300\n\tMaxRequestWorkers\t  300']]);
    expect(command(plan)).toEqual(['systemctl restart web.service']);
    const set = apacheSteps(service, { ...prefork, serverlimit: at('200', 3, 'ServerLimit 200') }, 300);
    expect(edits(set)).toEqual([
      [3, 'ServerLimit 300'],
      [5, '\tMaxRequestWorkers\t  300'],
    ]);
  });

  it('gets threads by whole processes', () => {
    const event = { mpm: argv('event'), maxrequestworkers: at('50', 5, 'MaxRequestWorkers 50'), threadsperchild: at('25', 4, 'ThreadsPerChild 25') };
    expect(apacheSteps(service, event, 5)?.to).toBe(125);
    expect(apacheSteps(service, event, 3)?.to).toBe(75);
    expect(apacheSteps(service, event, 2)).toBeUndefined();
  });

  it('is left alone where its number stands nowhere or the line says more', () => {
    expect(apacheSteps(service, { mpm: argv('event') }, 9)).toBeUndefined();
    expect(apacheSteps(service, { mpm: argv('prefork'), maxrequestworkers: at('5', 5, 'MaxRequestWorkers ${N}') }, 9)).toBeUndefined();
  });
});

describe('Tomcat', () => {
  const line = '<Connector port="8080" maxThreads="4" maxConnections="4" />';
  it('gets threads, and connections for them, in one change of one line', () => {
    const values = {
      'connector[0].port': at('8080', 7, line),
      'connector[0].maxThreads': at('4', 7, line),
      'connector[0].maxConnections': at('4', 7, line),
    };
    expect(edits(tomcatSteps(service, values, 32))).toEqual([[7, '<Connector port="8080" maxThreads="32" maxConnections="32" />']]);
  });

  it('is told a number where none stood, unless two connectors share the line', () => {
    const plain = { 'connector[0].port': at('8080', 7, '<Connector port="8080" />') };
    expect(edits(tomcatSteps(service, plain, 300))).toEqual([[7, '<Connector maxThreads="300" port="8080" />']]);
    const two = { 'connector[0].port': at('8080', 7, '<Connector port="8080" /><Connector port="8081" />') };
    expect(tomcatSteps(service, two, 300)).toBeUndefined();
    expect(tomcatSteps(service, plain, 200)).toBeUndefined();
  });
});

describe('Puma', () => {
  it('gets threads in single mode and workers in cluster mode', () => {
    const single = { threads: at('1:5', 2, 'threads 1, 5 # few') };
    expect(edits(pumaSteps(service, single, 20))).toEqual([[2, 'threads 1, 20 # few']]);
    const cluster = { workers: at('2', 1, 'workers 2'), threads: at('5:5', 2, 'threads 5, 5') };
    expect(edits(pumaSteps(service, cluster, 7))).toEqual([[1, 'workers 7']]);
  });

  it('is left alone where the number is computed', () => {
    expect(pumaSteps(service, { workers: at('2', 1, 'workers ENV.fetch("WEB") { 2 }') }, 32)).toBeUndefined();
  });
});
