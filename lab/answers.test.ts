import { join } from 'node:path';
import { expect, test } from 'vitest';
import { askStage, deepRequests, stageRequests, urlOf } from './answers/record.ts';
import { attributionOf, authorOf, problemOf } from './answers/judge.ts';
import { raiseStage } from './answers/stage.ts';
import { labObstacles } from './available.ts';
import { misbehaviour, runBadhop } from './badhop.ts';
import { REPOSITORY, bootHost } from './host.ts';

const obstacles = await labObstacles();

/** What a client gets no HTTP for: nginx passes on what is no HTTP as it is. */
const mostUnanswered = 4;

test.skipIf(obstacles.length > 0 && !process.env['CI'])(
  'five products, alone and before each other, are known by their errors',
  { timeout: 600_000, retry: 1 },
  async () => {
    expect(obstacles).toEqual([]);
    const host = await bootHost();
    try {
      await raiseStage(host);
      const requests = [...stageRequests(), ...deepRequests()];
      const answers = await askStage(host, requests);
      expect(answers.length).toBeGreaterThanOrEqual(requests.length - mostUnanswered);
      expect(answers.filter(one => one.answer.status >= 500).flatMap(one => problemOf(one) ?? [])).toEqual([]);

      // The program itself, from its command line on: alone and behind Varnish all are named, behind nginx a Caddy has no name left.
      const program = join(REPOSITORY, 'dist/cli/bin.js');
      for (const request of answers.filter(
        ({ chain, fault }) => fault === 'refused' && (chain.length === 1 || (chain.length === 2 && (chain[0] === 'varnish' || chain[0] === 'nginx'))),
      )) {
        const run = await runBadhop(program, host, ['trace', '--count', '1', '--format', 'json', urlOf(request)]);
        expect(misbehaviour(run)).toEqual([]);
        expect(run.exitCode).toBe(1);
        const { narrowed } = attributionOf(request);
        const expected =
          narrowed === undefined ? { answeredBy: authorOf(request) } : { narrowedTo: narrowed.candidates.map(({ place, product }) => ({ place, product })) };
        expect(JSON.parse(run.stdout)).toMatchObject({ trace: { answered: expected } });
      }
    } finally {
      await host.stop();
    }
  },
);
